/** Captures of live traffic by tcpdump, dumpcap and tshark: on loopback, which leaves UDP checksums unfinished, and on a virtual cable. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, start, until } from '../e2e/tools.mjs';
import { CLI, dissect, must, mustComeBack, mustEqual, say, tshark, wrongPackets } from './tools.js';

const AUDIO = 15_004;
const VIDEO = 15_006;
const AUDIO_6 = 15_014;
const NOISE = 15_020;
const PORTS = [AUDIO, AUDIO + 1, VIDEO, VIDEO + 1, AUDIO_6];
const MEDIA_MS = 4000;
const DNS_QUERY = Buffer.from('1234010000010000000000000765786d61706c6503636f6d0000010001', 'hex');

const COMPLAINTS = ['lost', 'late', 'again', 'malformed'].map((kind) => `frameseal.expert.${kind}`).join(' || ');

type Files = (name: string) => string;

/** A capturing program: its arguments, and what it prints when it has begun. */
const CAPTURERS: Readonly<
  Record<string, (on: string, file: string) => [command: string, args: string[], begun: RegExp]>
> = {
  'tcpdump, pcap': (on, file) => ['tcpdump', ['-i', on, '-U', '-w', file], /listening on/],
  'tcpdump, ns': (on, file) => ['tcpdump', ['-i', on, '-U', '--time-stamp-precision=nano', '-w', file], /listening on/],
  'tcpdump, any (SLL2)': (_, file) => ['tcpdump', ['-i', 'any', '-U', '-w', file], /listening on/],
  'tcpdump, any (SLL)': (_, file) => ['tcpdump', ['-i', 'any', '-y', 'LINUX_SLL', '-U', '-w', file], /listening on/],
  'dumpcap, pcapng': (on, file) => ['dumpcap', ['-i', on, '-w', file], /Capturing on/],
  'dumpcap, pcap': (on, file) => ['dumpcap', ['-P', '-i', on, '-w', file], /Capturing on/],
  'tshark, pcapng': (on, file) => ['tshark', ['-i', on, '-w', file], /Capturing on/],
};

/** Where packets go: an interface, and addresses behind it. */
interface Network {
  readonly on: string;
  readonly host: string;
  readonly host6: string;
}

const LOOPBACK: Network = { on: 'lo', host: '127.0.0.1', host6: '::1' };
const CABLE: Network = { on: 'v0', host: '192.0.2.2', host6: '2001:db8::2' };
const FAR_END = '02:00:00:00:00:02';

export async function captures(file: Files): Promise<void> {
  const config = file('config.json');
  run(process.execPath, [CLI, 'keygen', '--out', config]);
  layCable();
  for (const network of [LOOPBACK, CABLE]) {
    say(`capturing GStreamer's audio and video on ${network.on}`);
    const recordings = await captureAll(file, network);
    for (const [name, recording] of Object.entries(recordings)) check(file, { name, recording, config, network });
  }
}

/** A virtual cable whose far end takes what arrives and answers nothing; the near end finishes checksums. */
function layCable(): void {
  const commands = [
    `link add v0 type veth peer name v1 address ${FAR_END}`,
    'address add 192.0.2.1/24 dev v0',
    'address add 2001:db8::1/64 dev v0 nodad',
    'link set v0 mtu 1500 up',
    'link set v1 mtu 1500 up',
    `neigh add ${CABLE.host} lladdr ${FAR_END} dev v0`,
    `neigh add ${CABLE.host6} lladdr ${FAR_END} dev v0`,
  ];
  for (const command of commands) run('ip', command.split(' '));
  run('ethtool', ['-K', 'v0', 'tx', 'off']);
}

async function captureAll(file: Files, network: Network): Promise<Record<string, string>> {
  const recordings = Object.fromEntries(
    Object.keys(CAPTURERS).map((name, i) => [name, file(`capture-${network.on}-${i}`)]),
  );
  const running = Object.entries(CAPTURERS).map(([name, of]) => {
    const [command, args, begun] = of(network.on, recordings[name]!);
    return { begun, ...start(command, args) };
  });
  await Promise.all(running.map((program) => until(program, program.begun)));
  await sleep(300);
  const sockets = [...PORTS, NOISE].flatMap((port) => [receiver('udp4', port), receiver('udp6', port)]);
  await Promise.all([...senders(network), noise(network)]);
  for (const socket of sockets) socket.close();
  await sleep(700);
  for (const { child, ended } of running) {
    child.kill('SIGINT');
    await ended;
  }
  return recordings;
}

/** Takes what arrives at a port, so that no ICMP error quotes it. */
function receiver(type: dgram.SocketType, port: number): dgram.Socket {
  return dgram
    .createSocket({ type, ipv6Only: type === 'udp6' })
    .bind(port)
    .on('message', () => {});
}

/** Audio and video with RTCP, and audio over IPv6. */
function senders({ host, host6 }: Network): Promise<unknown>[] {
  const bin = (source: string, port: number) =>
    `rtpbin name=b ${source} ! b.send_rtp_sink_0 b.send_rtp_src_0 ! udpsink host=${host} port=${port} ` +
    `b.send_rtcp_src_0 ! udpsink host=${host} port=${port + 1} sync=false async=false`;
  const tone =
    'audiotestsrc num-buffers=60 samplesperbuffer=160 is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc';
  const picture =
    'videotestsrc num-buffers=20 is-live=true ! video/x-raw,width=320,height=240,framerate=20/1 ! vp8enc deadline=1';
  const pipelines = [
    bin(`${tone} ! rtppcmapay seqnum-offset=65500`, AUDIO),
    bin(`${picture} ! rtpvp8pay mtu=1200`, VIDEO),
    `${tone} ! rtppcmapay ! udpsink host=${host6} port=${AUDIO_6}`,
  ];
  return pipelines.map(async (pipeline) => {
    const program = start('gst-launch-1.0', ['-q', ...pipeline.split(' ')]);
    // With RTCP a pipeline has no end of its own.
    await Promise.race([program.ended, sleep(MEDIA_MS)]);
    program.child.kill('SIGINT');
    await Promise.race([program.ended, sleep(MEDIA_MS)]);
    program.child.kill('SIGKILL');
  });
}

/** Traffic that is no media: a DNS query, a datagram in fragments, a connection over TCP. */
async function noise({ host }: Network): Promise<void> {
  const socket = dgram.createSocket('udp4');
  for (const message of [DNS_QUERY, Buffer.alloc(4000, 1)]) {
    await new Promise((resolve) => socket.send(message, NOISE, host, resolve));
  }
  socket.close();
  const server = createServer((connection) => connection.end('hello')).listen(NOISE, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(NOISE, '127.0.0.1').resume();
  await once(client, 'close');
  server.close();
}

interface Case {
  readonly name: string;
  readonly recording: string;
  readonly config: string;
  readonly network: Network;
}

function check(file: Files, { name, recording, config, network }: Case): void {
  const report = mustComeBack(file, recording, config);
  const sealed = file('sealed');
  mustEqual(tshark(sealed, []).length, tshark(recording, []).length, 'packets before and after');
  must(report.fragments >= 3, 'fragments were seen');
  must(report.otherDatagrams >= 1, 'a datagram was seen that is no RTP');
  const wrong = { before: wrongPackets(recording), after: wrongPackets(sealed) };
  mustEqual(wrong.after, wrong.before, 'wrong checksums, no more than the capture has');
  if (network === CABLE) mustEqual(wrong.after, 0, 'wrong checksums');
  mustEqual(
    dissect(sealed, PORTS, ['-Y', 'frameseal.tag']).length,
    report.replaced,
    'sealed packets that the dissector sees',
  );
  mustEqual(dissect(sealed, PORTS, ['-Y', COMPLAINTS]).length, 0, 'packets that the dissector complains of');
  mustEqual(missingAfterCut(file, sealed), 2, 'counters that are missing after two packets were taken out');
  const { packets, replaced } = report;
  say(
    `${name}: ${replaced} of ${packets} packets sealed, opened, byte for byte the same; ${wrong.after} wrong checksums`,
  );
}

/** Takes two packets of one stream out of a recording, and asks the dissector how many counters are missing. */
function missingAfterCut(file: Files, sealed: string): number {
  const numbers = dissect(sealed, PORTS, [
    '-Y',
    `udp.dstport == ${AUDIO} && frameseal.ctr == 20 || udp.dstport == ${AUDIO} && frameseal.ctr == 21`,
    '-T',
    'fields',
    '-e',
    'frame.number',
  ]);
  const gap = file('gap');
  run('editcap', [sealed, gap, ...numbers]);
  const lost = dissect(gap, PORTS, ['-Y', 'frameseal.expert.lost', '-T', 'fields', '-e', 'frameseal.lost']);
  return lost.reduce((sum, line) => sum + Number(line), 0) / (numbers.length / 2);
}
