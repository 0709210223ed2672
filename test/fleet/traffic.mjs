/** RTP between the phones of pairs of gateways, both ways, with a sequence number that tells what was lost. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const HOST = '127.0.0.1';
const BUFFER_BYTES = 4 << 20;
const TICK_MS = 4;
const PACKET_BYTES = 172;
const DRAIN_MS = 500;

class Phone {
  sent = 0;
  received = 0;
  #seen = new Set();
  #sequence = 0;

  constructor(gateway, ssrc) {
    this.gateway = gateway;
    this.ssrc = ssrc;
  }

  async open() {
    this.socket = dgram.createSocket('udp4').bind(this.gateway.phonePort, HOST);
    await once(this.socket, 'listening');
    this.socket.setRecvBufferSize(BUFFER_BYTES);
    this.socket.on('message', (packet) => {
      const id = packet.readUInt32BE(12);
      if (!this.#seen.has(id)) this.received++;
      this.#seen.add(id);
    });
  }

  send() {
    const packet = Buffer.alloc(PACKET_BYTES);
    packet[0] = 0x80;
    packet[1] = 0x60;
    packet.writeUInt16BE(this.#sequence & 0xffff, 2);
    packet.writeUInt32BE(this.ssrc, 8);
    packet.writeUInt32BE(this.#sequence++, 12);
    this.sent++;
    this.socket.send(packet, this.gateway.port, HOST);
  }
}

export class Traffic {
  #pairs;
  #timer;
  #before;

  constructor(pairs) {
    this.#pairs = pairs.map((pair) => pair.map((gateway, i) => new Phone(gateway, 0x1000 * gateway.port + i)));
  }

  async open() {
    await Promise.all(this.#pairs.flat().map((phone) => phone.open()));
  }

  /** All phones together send this number of packets a second. */
  start(packetsPerSecond) {
    const phones = this.#pairs.flat();
    this.#before = this.#counts();
    const startMs = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) / 1000) * packetsPerSecond);
      while (sent < due) phones[sent++ % phones.length].send();
    }, TICK_MS);
  }

  /** Stops, waits for what is on the way, and returns what was sent and lost; `pairs`: which of them count. */
  async stop() {
    clearInterval(this.#timer);
    await sleep(DRAIN_MS);
    const now = this.#counts();
    const pairs = now.map(({ sent, received }, i) => ({
      sent: sent - this.#before[i].sent,
      lost: sent - this.#before[i].sent - (received - this.#before[i].received),
    }));
    const sum = (what) => pairs.reduce((total, pair) => total + pair[what], 0);
    return { sent: sum('sent'), lost: sum('lost'), pairs };
  }

  close() {
    clearInterval(this.#timer);
    for (const phone of this.#pairs.flat()) phone.socket.close();
  }

  #counts() {
    return this.#pairs.map((pair) => ({
      sent: pair.reduce((sum, phone) => sum + phone.sent, 0),
      received: pair.reduce((sum, phone) => sum + phone.received, 0),
    }));
  }
}
