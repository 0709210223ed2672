/**
 * What an operator puts around a gateway, under the tools that it is for:
 *
 *     unit        systemd-analyze verify and security; a reload right after the start does no harm
 *     rules       promtool check rules, and test rules
 *     /metrics    promtool check metrics, over two gateways with traffic both ways
 *     dashboard   a Prometheus server scrapes both, and answers every query of every panel
 *     crowd       1,000 connections, slow ones among them: no packet is lost meanwhile
 */
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, start, until } from '../e2e/tools.mjs';
import { at, CLI, HOST, ROOT, rtp, step } from './media.mjs';

const STRANGER = '127.0.0.2';
/** Of the unit's score from 0 to 100, the worse the higher. */
const MOST_EXPOSURE = 20;
const PORTS = { send: 16_000, a: 16_010, ab: 16_020, ba: 16_030, b: 16_040, receive: 16_050 };
const HTTP = { a: 16_061, b: 16_062 };
const PROMETHEUS = 16_063;
const PACKETS_PER_SECOND = 200;
const CONNECTIONS = 1000;
const CROWD_SECONDS = 15;
/** Directives that the unit must have, and why it exists. */
const DIRECTIVES = [
  'DynamicUser=yes',
  'LoadCredential=',
  'StateDirectory=frameseal',
  'LimitCORE=0',
  'ProtectSystem=strict',
  'NoNewPrivileges=yes',
  'RestrictAddressFamilies=',
  'MemoryDenyWriteExecute=no',
  'ExecReload=kill -HUP $MAINPID',
];
/** Series that are there only once something has failed. */
const RARE = /frameseal_send_errors_total/;

/** The unit, the rules, /metrics, the dashboard and the crowd. `seconds`: for how long Prometheus scrapes. */
export async function services(file, seconds) {
  await unit(file);
  rules();
  await gateways(file, seconds);
}

async function unit(file) {
  const text = readFileSync(`${ROOT}deploy/frameseal-gateway.service`, 'utf8');
  for (const directive of DIRECTIVES)
    if (!text.includes(`\n${directive}`)) throw new Error(`the unit has no ${directive}`);
  // The program is at another place here.
  const path = file('frameseal-gateway.service');
  writeFileSync(path, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
  // Units of the machine itself are none of ours.
  const about = `${verified.stdout}${verified.stderr}`.split('\n').filter((line) => line.includes('frameseal'));
  if (about.length > 0) throw new Error(`systemd-analyze verify: ${about.join('\n')}`);
  const report = run('systemd-analyze', [
    'security',
    '--offline=true',
    `--threshold=${MOST_EXPOSURE}`,
    '--no-pager',
    path,
  ]);
  step(`unit: verified; ${/Overall exposure level.*: (.*)/.exec(report)[1]}`);
  await earlyReload(file, /^ExecStartPost=\/bin\/sh -c '(.*)'$/m.exec(text)[1]);
}

/** What the unit waits for at its start makes a reload safe that comes right after it. `script`: as the unit has it. */
async function earlyReload(file, script) {
  run(process.execPath, [CLI, 'keygen', '--out', file('early.json')]);
  const channels = { studio: { file: 'early.json' } };
  const inside = { listen: at(PORTS.a), peer: at(PORTS.send), clear: true };
  const outside = { listen: at(PORTS.ab), peer: at(PORTS.ba), channel: 'studio' };
  writeFileSync(file('early.yaml'), JSON.stringify({ channels, routes: [{ name: 'early', inside, outside }] }));
  const gateway = start(process.execPath, [CLI, 'gateway', file('early.yaml')]);
  // systemd puts the process id in, and takes a dollar sign from two.
  run('/bin/sh', ['-c', script.replaceAll('$MAINPID', gateway.child.pid).replaceAll('$$', '$')]);
  gateway.child.kill('SIGHUP');
  await until(gateway, /is reloaded/);
  gateway.child.kill('SIGTERM');
  const code = await gateway.ended;
  if (code !== 0) throw new Error(`unit: the gateway ended with ${code}: ${gateway.output()}`);
  step('unit: a reload right after the start is taken');
}

function rules() {
  run('promtool', ['check', 'rules', `${ROOT}deploy/alerts.yml`]);
  run('promtool', ['test', 'rules', `${ROOT}test/operating/alerts.test.yml`]);
  step('rules: checked, and each fires where it should');
}

async function gateways(file, seconds) {
  const key = file('studio.json');
  run(process.execPath, [CLI, 'keygen', '--out', key]);
  const clear = (listen, peer) => ({ listen: at(listen), peer: at(peer), clear: true, rtcpPort: 'mux' });
  const sealed = (listen, peer) => ({ listen: at(listen), peer: at(peer), channel: 'studio', rtcpPort: 'mux' });
  const a = await gateway(file, 'a', clear(PORTS.a, PORTS.send), sealed(PORTS.ab, PORTS.ba));
  const b = await gateway(file, 'b', clear(PORTS.b, PORTS.receive), sealed(PORTS.ba, PORTS.ab));
  const traffic = await Traffic.start();
  await sleep(3000);
  for (const port of Object.values(HTTP)) await metrics(port);
  await prometheus(file, seconds);
  await crowd(traffic);
  await traffic.stop();
  for (const { child, ended, output } of [a, b]) {
    child.kill('SIGTERM');
    const code = await ended;
    if (code !== 0) throw new Error(`a gateway ended with ${code}: ${output().slice(-2000)}`);
  }
  const { sent, delivered, returned } = traffic;
  if (delivered !== sent || returned !== sent)
    throw new Error(`of ${sent} packets ${delivered} arrived, and ${returned} came back`);
  step(`traffic: ${sent} packets each way, and none lost`);
}

/** A gateway of one route, in JSON, which is YAML. */
async function gateway(file, name, inside, outside) {
  const config = file(`${name}.yaml`);
  const role = name;
  const route = { name: 'camera-1', inside, outside };
  const channels = { studio: { file: 'studio.json', context: 'room 7', role } };
  writeFileSync(config, JSON.stringify({ http: at(HTTP[name]), channels, routes: [route] }));
  run(process.execPath, [CLI, 'check', config]);
  const program = start(process.execPath, [CLI, 'gateway', config]);
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`http://${at(HTTP[name])}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return program;
    if (tries === 100) throw new Error(`gateway ${name} is not ready: ${await answer?.text()} ${program.output()}`);
    await sleep(100);
  }
}

/** Media from one end to the other and back, and beside it what a gateway refuses. */
class Traffic {
  sent = 0;
  delivered = 0;
  returned = 0;
  #sockets;
  #timer;

  static async start() {
    const traffic = new Traffic();
    const [sender, receiver, stranger, forger] = await Promise.all(
      [
        [PORTS.send, HOST],
        [PORTS.receive, HOST],
        [0, STRANGER],
        [0, HOST],
      ].map(([port, host]) => socketAt(port, host)),
    );
    traffic.#sockets = [sender, receiver, stranger, forger];
    receiver.on('message', (packet) => {
      traffic.delivered++;
      receiver.send(packet, PORTS.b, HOST);
    });
    sender.on('message', () => traffic.returned++);
    const startMs = performance.now();
    traffic.#timer = setInterval(() => {
      while (traffic.sent < ((performance.now() - startMs) / 1000) * PACKETS_PER_SECOND) {
        const n = traffic.sent++;
        sender.send(n % 50 === 0 ? receiverReport() : rtp(n), PORTS.a, HOST);
        if (n % 20 === 0) stranger.send(rtp(n), PORTS.a, HOST);
        // An unsealed packet, and one that is no RTP.
        if (n % 20 === 5) forger.send(n % 40 === 5 ? rtp(n) : Buffer.from('noise'), PORTS.ba, HOST);
      }
    }, 5);
    return traffic;
  }

  /** Ends sending, and waits for what is on its way. */
  async stop() {
    clearInterval(this.#timer);
    for (let tries = 0; tries < 50 && this.returned < this.sent; tries++) await sleep(100);
    for (const socket of this.#sockets) socket.close();
  }
}

async function metrics(port) {
  const text = await (await fetch(`http://${at(port)}/metrics`)).text();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(`promtool check metrics: ${stdout}${stderr}`);
  step(`/metrics of port ${port}: ${text.split('\n').filter((line) => /^[a-z]/.test(line)).length} series, checked`);
}

async function prometheus(file, seconds) {
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '5s' },
    rule_files: [`${ROOT}deploy/alerts.yml`],
    scrape_configs: [{ job_name: 'frameseal', static_configs: [{ targets: Object.values(HTTP).map(at) }] }],
  };
  writeFileSync(file('prometheus.yml'), JSON.stringify(config));
  const args = ['--config.file', file('prometheus.yml'), '--storage.tsdb.path', file('tsdb')];
  const server = start('prometheus', [...args, '--web.listen-address', at(PROMETHEUS)]);
  await until(server, /Server is ready/);
  step(`prometheus: scrapes for ${seconds} s`);
  await sleep(1000 * seconds);
  const { targets } = await ask('targets', {}, 'activeTargets');
  for (const { health, lastError } of targets)
    if (health !== 'up') throw new Error(`a target is ${health}: ${lastError}`);
  await dashboard(seconds);
  const { groups } = await ask('rules', {}, 'groups');
  const sick = groups.flatMap((group) => group.rules).filter(({ health }) => health !== 'ok');
  if (sick.length > 0) throw new Error(`rules: ${JSON.stringify(sick)}`);
  step(`prometheus: ${targets.length} targets up, ${groups.flatMap((group) => group.rules).length} rules evaluated`);
  server.child.kill('SIGTERM');
  await server.ended;
}

/** Asks every query of every panel, as Grafana would. */
async function dashboard(seconds) {
  const { panels } = JSON.parse(readFileSync(`${ROOT}deploy/grafana-dashboard.json`, 'utf8'));
  const end = Date.now() / 1000;
  let answered = 0;
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const query = expr.replaceAll('$__rate_interval', '10s').replaceAll(/\$(instance|route)/g, '.*');
      if (query.includes('$')) throw new Error(`${title}: a variable is left in ${query}`);
      const { result } = await ask(
        'query_range',
        { query, start: end - Math.min(30, seconds / 2), end, step: 1 },
        'result',
      );
      const numbers = result.flatMap((series) => series.values).filter(([, value]) => value !== 'NaN');
      if (numbers.length === 0 && !RARE.test(query)) throw new Error(`${title}: no answer to ${query}`);
      answered++;
    }
  }
  step(`dashboard: ${panels.length} panels, ${answered} queries answered`);
}

async function ask(path, parameters, field) {
  const answer = await fetch(`http://${at(PROMETHEUS)}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const { status, data, error } = await answer.json();
  if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
  return { [field === 'activeTargets' ? 'targets' : field]: data[field] };
}

/** Connections that ask and read a byte a second, that ask byte by byte, and that say nothing. */
async function crowd(traffic) {
  const before = traffic.sent;
  const asks = ['GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n', 'GET /status HTTP/1.1\r\nhost: x\r\nx: ', ''];
  let read = 0;
  const sockets = Array.from({ length: CONNECTIONS }, (_, i) => {
    const socket = net.connect(HTTP.a, HOST);
    socket.on('error', () => {});
    // Without a reader, until a byte is asked for.
    socket.on('readable', () => {});
    socket.write(asks[i % asks.length]);
    return socket;
  });
  const trickle = setInterval(() => {
    for (const socket of sockets) {
      read += socket.read(1)?.length ?? 0;
      if (!socket.destroyed && socket.writable) socket.write('y');
    }
  }, 1000);
  await sleep(1000 * CROWD_SECONDS);
  clearInterval(trickle);
  for (const socket of sockets) socket.destroy();
  const health = await fetch(`http://${at(HTTP.a)}/healthz`);
  if (health.status !== 200) throw new Error(`after the crowd /healthz answers ${health.status}`);
  step(
    `crowd: ${CONNECTIONS} connections for ${CROWD_SECONDS} s, ${read} bytes read one a second, while ${traffic.sent - before} packets were sent each way`,
  );
}

async function socketAt(port, host) {
  const socket = dgram.createSocket('udp4').bind(port, host);
  await once(socket, 'listening');
  return socket;
}

function receiverReport() {
  return Buffer.from('80c9000111223344', 'hex');
}
