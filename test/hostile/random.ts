/** Numbers that look random and are the same in every run: xorshift32. Not for cryptography. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** 32 bits. */
  word(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  /** Of gaps between events that come when they like, `perSecond` of them as a rule: in milliseconds. */
  gapMs(perSecond: number): number {
    return (-Math.log1p(-this.word() / 2 ** 32) * 1000) / perSecond;
  }
}
