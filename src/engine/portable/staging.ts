/** The portable engine's memory for the text that it works on. Its ciphers take turns: none keeps anything there. */
import { SPARE_BYTES, TextArea } from '../text-area.js';

const BEFORE_BYTES = 128;
const FIRST_TEXT_BYTES = 0x1000;

class Staging {
  memory: Uint8Array = new Uint8Array(0);
  area: TextArea = new TextArea(this.memory, 0, 0, 0);
  #room = 0;
  /** The most bytes of text since the last wipe. */
  #used = 0;

  /** Makes room for a text of `length` bytes, tag or padding included, at memory[area.at, ...). */
  reserve(length: number): void {
    if (length > this.#room) {
      this.wipe();
      this.#room = Math.max(length, 2 * this.#room, FIRST_TEXT_BYTES);
      this.memory = new Uint8Array(BEFORE_BYTES + this.#room + SPARE_BYTES);
      this.area = new TextArea(this.memory, BEFORE_BYTES, BEFORE_BYTES, this.memory.length);
    }
    if (length > this.#used) this.#used = length;
  }

  wipe(): void {
    this.area.wipe(this.#used);
    this.#used = 0;
  }
}

export const staging: Staging = new Staging();
