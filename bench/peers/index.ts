/** All contestants, ours first. */
import { ours } from './frameseal.js';
import { noble } from './noble.js';
import { node, nodeKept, nodeRaw } from './node.js';
import type { Peer } from './peer.js';
import { smCrypto, smCryptoV2 } from './sm-crypto.js';
import { stablelib } from './stablelib.js';
import { webcrypto, webcryptoInFlight } from './webcrypto.js';
import { werift, weriftKept } from './werift.js';

/** With `base`, the folder of another checkout that is built: its engine too. */
export async function allPeers(base?: string): Promise<Peer[]> {
  const others = [
    node,
    nodeRaw,
    nodeKept,
    webcrypto,
    webcryptoInFlight,
    noble,
    stablelib,
    werift,
    weriftKept,
    smCrypto,
    smCryptoV2,
  ];
  return [...(await ours(base)), ...others];
}
