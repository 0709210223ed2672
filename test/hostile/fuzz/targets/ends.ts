/** Two ends of one channel, whose sessions the input decides, so that the same events can run twice. */
import type { Code } from '../code.js';
import type { Reader } from '../reader.js';
import { configOf, type Setup } from './senders.js';

type Library = typeof import('../../../../dist/index.js');
type Sealer = Library['Sealer']['prototype'];
type Opener = Library['Opener']['prototype'];

export interface End {
  readonly channel: Library['Channel']['prototype'];
  readonly sealers: Sealer[];
  readonly openers: Opener[];
}

/** Where sealers begin to count: 0 in the library; near a longer counter and near the end of all counters here. */
const FIRST_CTRS = [0, 0, 250, 65_530, 2 ** 24 - 3, 2 ** 32 - 5];

/** The near end seals and hears itself; the far end opens. */
export function ends(code: Code, engine: 'simd' | 'portable', setup: Setup, reader: Reader): [near: End, far: End] {
  const { framing, bindHeader, replayWindow, maxSenders } = setup;
  const options = { framing, bindHeader, replayWindow, maxSenders, engine };
  const firstCtr = reader.pick(FIRST_CTRS);
  // At first a session that is too short for a sealer, which is drawn again.
  const sessions = (first: number) => {
    let session = first;
    return (words: Int32Array) => {
      words[0] = session === first ? 0 : 0x11a1_b2c0;
      words[1] = ++session;
      return firstCtr;
    };
  };
  const near = code.channel.enableEncryptionWith(configOf(setup), options, sessions(1));
  const far = code.channel.enableEncryptionWith(configOf(setup), options, sessions(0x1000_0000));
  return [
    {
      channel: near,
      sealers: [near.createSealer()],
      openers: [near.createOpener({ loopback: true }), near.createOpener()],
    },
    { channel: far, sealers: [], openers: [far.createOpener()] },
  ];
}
