/**
 * Two repairs of the NATS client's transport (@nats-io/transport-node 3.4.0). It leaves the socket of an attempt that failed
 * open, so that a server that accepts and says nothing costs a socket at each attempt, and keeps a command from ending.
 * And it reads a first line of any length.
 */
import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';

const MAX_INFO_BYTES = 1 << 20;
let isRepaired = false;

export function repairTransport(): void {
  if (isRepaired) return;
  isRepaired = true;
  const { close, peekInfo } = NodeTransport.prototype;
  NodeTransport.prototype.close = function (this: NodeTransport, error) {
    if (!this.connected) this.discard();
    return close.call(this, error);
  };
  NodeTransport.prototype.peekInfo = function (this: NodeTransport) {
    const { socket } = this;
    let bytes = 0;
    // First in line, so that nothing is put together that is too long. The transport takes it off after the line.
    socket.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > MAX_INFO_BYTES) socket.destroy(new Error('its first line does not end'));
    });
    return peekInfo.call(this);
  };
}
