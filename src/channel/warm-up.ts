/** Full speed before traffic: the runtime compiles what it has seen running, and the first packets would pay for that. */
import { enableEncryption } from './channel.js';
import { generateKey, generateSalt } from './config.js';

/** Enough for all code on the path of a frame to be compiled. */
const FRAMES = 3000;
/** Key derivations and set-ups. */
const SENDERS = 40;
/** Lengths that take every part of the kernels: whole blocks and not, one reduction and several. */
const PACKET_BYTES = [32, 172, 512, 1200];

/** Seals and opens frames under throw-away keys for some milliseconds, so that the first real ones run at full speed. */
export function warmUp(): void {
  const config = { encryptionMode: 'AES_128_GCM2', encryptionKey: generateKey(), encryptionKdfSalt: generateSalt() };
  const sending = enableEncryption(config);
  const receiving = enableEncryption(config);
  const sealer = sending.createSealer();
  const opener = receiving.createOpener();
  const packet = new Uint8Array(Math.max(...PACKET_BYTES));
  const buffer = new Uint8Array(packet.length + sealer.overhead);
  packet[0] = 0x80;
  for (let i = 0; i < FRAMES; i++) {
    const written = sealer.seal(packet, buffer, PACKET_BYTES[i % PACKET_BYTES.length]);
    opener.open(buffer, buffer, written);
  }
  for (let i = 0; i < SENDERS; i++) sending.createSealer().close();
  sending.close();
  receiving.close();
}
