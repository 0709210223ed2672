/** A gateway without protection: the cost of the sockets by themselves. Reports as `frameseal gateway --json` does. */
import dgram from 'node:dgram';
import { Command } from 'commander';
import { type Endpoint, endpointArgument, endpointText, runCommand } from 'frameseal-cli/arguments';

const command = new Command('forwarder')
  .option('--seal', 'taken as a gateway takes it, and without effect')
  .requiredOption('--listen <host:port>', 'where packets arrive', endpointArgument)
  .requiredOption('--forward <host:port>', 'where they go', endpointArgument)
  .action(forward);

await runCommand(command);

function forward({ listen, forward }: { listen: Endpoint; forward: Endpoint }): void {
  const totals = { packets: 0 };
  const socket = dgram.createSocket('udp4', (packet) => {
    totals.packets++;
    socket.send(packet, forward.port, forward.host);
  });
  socket.bind(listen.port, listen.host, () =>
    report({ event: 'listening', listen: endpointText({ ...listen, port: socket.address().port }) }),
  );
  process.on('SIGTERM', () => {
    report({ event: 'totals', received: totals, forwarded: totals });
    socket.close();
  });
}

function report(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
