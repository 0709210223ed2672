/** Constants that the functions of a module share. */
export const V128_BYTES = 16;

/** Constants stand in memory, from address 0: V8 makes a v128.const anew at each use, by up to four instructions. */
export class Constants {
  readonly bytes: number[] = [];

  /** The address of these bytes, vectors of 16. */
  address(values: readonly number[]): number {
    if (values.length === 0 || values.length % V128_BYTES !== 0) throw new RangeError('a vector has 16 bytes');
    for (let at = 0; at + values.length <= this.bytes.length; at += V128_BYTES) {
      if (values.every((value, i) => this.bytes[at + i] === (value & 0xff))) return at;
    }
    this.bytes.push(...values.map((value) => value & 0xff));
    return this.bytes.length - values.length;
  }
}
