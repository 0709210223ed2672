/** A gateway without a seal: what the sockets cost by themselves. Speaks like one where the bench listens. */
import dgram from 'node:dgram';

const [port] = process.argv.slice(2).map(Number);
const totals = { packets: 0 };
const socket = dgram.createSocket('udp4', (packet) => {
  totals.packets++;
  socket.send(packet, port!, '127.0.0.1');
});
socket.bind(0, '127.0.0.1', () => tell({ event: 'listening', listen: `127.0.0.1:${socket.address().port}` }));
process.on('SIGTERM', () => {
  tell({ event: 'totals', received: totals, forwarded: totals });
  socket.close();
});

function tell(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
