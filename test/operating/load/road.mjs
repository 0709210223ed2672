/**
 * The road of a run's packets, all but the gateways, in one process:
 *
 *     senders ---> [ sealing gateway ] ---> network: loses, delays, damages ---> [ opening gateway ] ---> receivers
 *
 * A packet's number stands in its RTP timestamp, which sealing leaves visible, and in its payload with the time it was sent.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { AT_NETWORK, CORRUPTED, DELIVERED, DROPPED, Ledger, SENT, Times, WRONG } from './ledger.mjs';

const HOST = '127.0.0.1';
const PAYLOAD_BYTES = 160;
const HEADER_BYTES = 12;
const TICK_MS = 4;
/** A stalled machine does not catch up with more than this at once. */
const MOST_AT_ONCE = 100;
const LOSS = 0.01;
const DAMAGE = 0.005;
const DELAY = 0.02;
const [DELAY_FROM_MS, DELAY_TO_MS] = [10, 60];
const FRESH_MS = 5000;
const RTCP_EVERY = 100;
const DIRECT_EVERY = 50;
const RECEIVE_BUFFER_BYTES = 4 << 20;

export class Road {
  ledger;
  rtcp = { sent: 0, atNetwork: 0, delivered: 0 };
  /** Milliseconds: through each gateway, through the sealing one in its first seconds after the kill, and of a datagram that passes none. */
  times = {
    sealing: new Times(),
    'sealing, after its restart': new Times(),
    opening: new Times(),
    direct: new Times(),
  };
  /** Set when the sealing gateway is started again. */
  restartMs = Number.POSITIVE_INFINITY;
  /** Packets that the network has got; set to 0 to count anew. */
  atNetwork = 0;
  forwarded = 0;
  #routes;
  #active;
  #numbers;
  #sockets = [];
  #perSecond;
  #sent = 0;
  #timer;
  #direct;

  /** `routes`: { send, network, onward, receive }: ports of each. */
  static async open(routes, perSecond, capacity) {
    const road = new Road();
    road.#routes = routes;
    road.#perSecond = perSecond;
    road.#numbers = routes.map(() => 0);
    road.#active = new Set();
    road.ledger = new Ledger(routes, capacity);
    for (const [i, { network, receive }] of routes.entries()) {
      const [sender, near, far, receiver] = await Promise.all([0, network, network + 1, receive].map(socketAt));
      near.on('message', (packet) => road.#cross(i, packet));
      receiver.on('message', (packet) => road.#deliver(i, packet));
      road.#sockets.push({ sender, near, far, receiver });
    }
    await road.#openDirect();
    return road;
  }

  begin(active) {
    this.#active = new Set(active);
    let dueMs = performance.now();
    let owed = 0;
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      owed = Math.min(MOST_AT_ONCE, owed + ((nowMs - dueMs) * this.#perSecond) / 1000);
      dueMs = nowMs;
      for (; owed >= 1; owed--) this.#sendNext();
    }, TICK_MS);
  }

  pause(route) {
    this.#active.delete(route);
  }

  resume(route) {
    this.#active.add(route);
  }

  stop() {
    clearInterval(this.#timer);
  }

  get sent() {
    return this.#sent;
  }

  /** The number of the next packet of a route. */
  next(route) {
    return this.#numbers[route];
  }

  close() {
    for (const sockets of this.#sockets) for (const socket of Object.values(sockets)) socket.close();
    this.#direct.close();
  }

  /** Local ports of the sockets that receive. */
  get ports() {
    return this.#routes.flatMap(({ network, receive }) => [network, receive]);
  }

  #sendNext() {
    const active = [...this.#active];
    const route = active[this.#sent++ % active.length];
    const number = this.#numbers[route]++;
    const { sender } = this.#sockets[route];
    const { send } = this.#routes[route];
    this.ledger.mark(route, number, SENT);
    sender.send(mediaPacket(route, number), send, HOST);
    if (this.#sent % RTCP_EVERY === 0) {
      this.rtcp.sent++;
      sender.send(receiverReport(route), send, HOST);
    }
    if (this.#sent % DIRECT_EVERY === 0) this.#sendDirect(sender);
  }

  #cross(route, packet) {
    this.atNetwork++;
    const { far } = this.#sockets[route];
    const { onward } = this.#routes[route];
    if (packet[1] >>> 5 === 6) {
      this.rtcp.atNetwork++;
      this.forwarded++;
      far.send(packet, onward, HOST);
      return;
    }
    const number = packet.readUInt32BE(4);
    const isAgain = this.ledger.has(route, number, AT_NETWORK);
    this.ledger.mark(route, number, isAgain ? WRONG : AT_NETWORK);
    const nowMs = performance.now();
    const isFresh = nowMs > this.restartMs && nowMs < this.restartMs + FRESH_MS;
    this.times[isFresh ? 'sealing, after its restart' : 'sealing'].add(nowMs - sentAt[route][number % KEPT]);
    const dice = Math.random();
    if (dice < LOSS) {
      this.ledger.mark(route, number, DROPPED);
      return;
    }
    this.forwarded++;
    if (dice < LOSS + DAMAGE) {
      this.ledger.mark(route, number, CORRUPTED);
      packet[Math.floor(Math.random() * packet.length)] ^= 1 << Math.floor(Math.random() * 8);
    }
    if (dice > 1 - DELAY) {
      const ms = DELAY_FROM_MS + Math.random() * (DELAY_TO_MS - DELAY_FROM_MS);
      onwardAt[route][number % KEPT] = Number.NaN;
      setTimeout(() => far.send(packet, onward, HOST), ms);
      return;
    }
    onwardAt[route][number % KEPT] = performance.now();
    far.send(packet, onward, HOST);
  }

  #deliver(route, packet) {
    if (packet.length === REPORT.length) {
      this.rtcp.delivered++;
      return;
    }
    const number = packet.readUInt32BE(HEADER_BYTES);
    const isRight = isMediaPacket(packet, route) && !this.ledger.has(route, number, DELIVERED | CORRUPTED | DROPPED);
    this.ledger.mark(route, number, isRight ? DELIVERED : WRONG);
    const ms = performance.now() - onwardAt[route][number % KEPT];
    if (!Number.isNaN(ms)) this.times.opening.add(ms);
  }

  async #openDirect() {
    this.#direct = await socketAt(0);
    this.#direct.on('message', (packet) => {
      this.times.direct.add(performance.now() - packet.readDoubleBE(HEADER_BYTES));
    });
  }

  #sendDirect(sender) {
    const packet = Buffer.alloc(HEADER_BYTES + PAYLOAD_BYTES);
    packet.writeDoubleBE(performance.now(), HEADER_BYTES);
    sender.send(packet, this.#direct.address().port, HOST);
  }
}

/** Times of the newest packets of each route. */
const KEPT = 8192;
const MOST_ROUTES = 16;
const sentAt = Array.from({ length: MOST_ROUTES }, () => new Float64Array(KEPT));
const onwardAt = Array.from({ length: MOST_ROUTES }, () => new Float64Array(KEPT));

const REPORT = Buffer.from('80c9000111223300', 'hex');
/** Bodies by the lowest byte of the number. */
const BODIES = Array.from({ length: 256 }, (_, i) => Buffer.alloc(PAYLOAD_BYTES - 4, i * 31 + 7));

function mediaPacket(route, number) {
  const packet = Buffer.allocUnsafe(HEADER_BYTES + PAYLOAD_BYTES);
  packet.writeUInt16BE(0x8060, 0);
  packet.writeUInt16BE(number & 0xffff, 2);
  packet.writeUInt32BE(number, 4);
  packet.writeUInt32BE(0x11223300 + route, 8);
  packet.writeUInt32BE(number, HEADER_BYTES);
  BODIES[number & 0xff].copy(packet, HEADER_BYTES + 4);
  sentAt[route][number % KEPT] = performance.now();
  return packet;
}

function isMediaPacket(packet, route) {
  if (packet.length !== HEADER_BYTES + PAYLOAD_BYTES) return false;
  const number = packet.readUInt32BE(HEADER_BYTES);
  const isHeader =
    packet.readUInt16BE(0) === 0x8060 &&
    packet.readUInt16BE(2) === (number & 0xffff) &&
    packet.readUInt32BE(4) === number &&
    packet.readUInt32BE(8) === 0x11223300 + route;
  return isHeader && packet.subarray(HEADER_BYTES + 4).equals(BODIES[number & 0xff]);
}

/** With the SSRC of the route's media, so that it goes with the same sealer. */
function receiverReport(route) {
  const report = Buffer.from(REPORT);
  report[7] = route;
  return report;
}

async function socketAt(port) {
  const lookup = (address, _options, callback) => callback(null, address, 4);
  const socket = dgram.createSocket({ type: 'udp4', lookup });
  // With this lookup a socket is bound before `bind` returns.
  const listening = once(socket, 'listening');
  socket.bind(port, HOST);
  await listening;
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  return socket;
}
