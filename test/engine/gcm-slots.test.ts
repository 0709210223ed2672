/** AES-GCM in the slots of an engine, below the bare cipher: jobs. */
import { describe, expect, it } from 'vitest';
import { FrameJob } from '../../src/engine/engine.js';
import { pickEngine } from '../../src/engine/pick.js';
import { Guarded } from '../support/arrays.js';
import { ENGINES, sample } from '../support/engines.js';
import { message } from './messages.js';

describe.each(ENGINES)('%s engine', (engine) => {
  describe.each([16, 32] as const)('AES-GCM with a key of %i bytes', (keyBytes) => {
    describe('in slots', () => {
      it('opens towards the start of the same memory by any distance', () => {
        const slot = pickEngine(engine).createGcmKey(keyBytes);
        const job = new FrameJob();
        const wrong: string[] = [];
        for (let distance = 0; distance <= 40; distance++) {
          for (const length of [0, 1, 7, 16, 17, 48, 100, 257]) {
            const { key, nonce, aad, plaintext, sealed } = message(keyBytes, length, 29, 'distance');
            slot.setKey(key);
            const memory = new Guarded(distance + sealed.length, distance & 7);
            memory.bytes.set(sealed, distance);
            fillJob(job, nonce, aad, length);
            job.input = job.output = memory.bytes;
            job.inputAt = distance;
            if (!slot.open(job) || Buffer.compare(memory.bytes.subarray(0, length), plaintext) !== 0) {
              wrong.push(`open ${length} bytes by ${distance}`);
            }
            memory.bytes.set(plaintext, distance);
            slot.seal(job);
            if (Buffer.compare(memory.bytes.subarray(0, sealed.length), sealed) !== 0) {
              wrong.push(`seal ${length} bytes by ${distance}`);
            }
            if (!memory.keepsAllBut(memory.bytes.length)) wrong.push(`beside ${length} bytes by ${distance}`);
          }
        }
        expect(wrong).toEqual([]);
      });

      it('reads and writes only what the job names', () => {
        const { key, nonce, aad, plaintext, sealed } = message(keyBytes, 45, 20, 'job');
        const slot = pickEngine(engine).createGcmKey(keyBytes);
        slot.setKey(key);
        const job = new FrameJob();
        fillJob(job, nonce, Buffer.concat([aad, sample('more aad', 9)]), 45);
        job.aadLength = 20;
        job.input = Buffer.concat([sample('before', 5), plaintext, sample('after', 50)]);
        job.inputAt = 5;
        const out = new Guarded(sealed.length, 7);
        job.output = new Uint8Array(out.bytes.buffer);
        job.outputAt = out.bytes.byteOffset;
        slot.seal(job);
        expect(out.holds(sealed)).toBe(true);
      });

      it('forgets a key at the next one', () => {
        const slot = pickEngine(engine).createGcmKey(keyBytes);
        const job = new FrameJob();
        for (const round of [0, 1, 2, 0]) {
          const { key, nonce, aad, sealed } = message(keyBytes, 33, 12, `round ${round}`);
          slot.setKey(key);
          fillJob(job, nonce, aad, 33);
          job.input = sealed;
          job.output = new Uint8Array(33);
          expect(slot.open(job)).toBe(true);
          slot.wipe();
          expect(slot.open(job)).toBe(false);
          expect(() => slot.seal(job)).toThrow('this key was never set, or it was wiped');
        }
      });
    });
  });
});

function fillJob(job: FrameJob, nonce: Uint8Array, aad: Uint8Array, length: number): void {
  job.nonce = nonce;
  job.aad = aad;
  job.aadLength = aad.length;
  job.length = length;
}
