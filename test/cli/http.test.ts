/** The HTTP side of a gateway: its answers, and its bounds against slow clients and bursts of requests. */
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Metrics } from '../../src/cli/gateway/http/metrics.js';
import { serveHttp } from '../../src/cli/gateway/http/server.js';
import { statusOf } from '../../src/cli/gateway/http/status.js';
import { Rates } from '../../src/cli/gateway/rates.js';
import type { GatewaySnapshot } from '../../src/cli/gateway/snapshot.js';
import { pause } from '../support/cli.js';
import { channel, flow, route, side, snapshot } from '../support/snapshot.js';

/** A server on a free port that ends with the test; `view` counts its snapshots. */
async function serve(give: () => Promise<GatewaySnapshot> = async () => snapshot()) {
  const asked = { count: 0 };
  const view = {
    snapshot: () => {
      asked.count++;
      return give();
    },
  };
  const { address, close } = await serveHttp({ host: '127.0.0.1', port: 0 }, view);
  onTestFinished(close);
  const get = async (path: string, options: RequestInit = {}) => {
    const response = await fetch(`http://${address}${path}`, options);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { get, asked, close, port: Number(address.split(':')[1]) };
}

/** A connection that the test owns: what it got, and whether it is closed. */
function connect(port: number, send = '') {
  const socket = net.connect(port, '127.0.0.1');
  const state = { text: '', closed: false, socket };
  socket.on('data', (data) => {
    state.text += data;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    state.closed = true;
  });
  socket.write(send);
  onTestFinished(() => void socket.destroy());
  return state;
}

describe('answers', () => {
  it('are health, readiness with its reasons, and a word about other paths and methods', async () => {
    let unready: string[] = [];
    const { get } = await serve(async () => snapshot({ unready }));
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
    unready = ['route camera-1 does not listen on 127.0.0.1:5004', 'channel studio has no key'];
    await pause(150);
    expect(await get('/readyz')).toMatchObject({ status: 503, text: `not ready\n${unready.join('\n')}\n` });
    expect(await get('/healthz?verbose')).toMatchObject({ status: 200 });
    expect(await get('/../etc/passwd')).toMatchObject({ status: 404 });
    const posted = await get('/status', { method: 'POST', body: 'x' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await get('/status', { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
  });

  it('report a thread that hangs where the gateway gives no snapshot; the loop still turns', async () => {
    const { get } = await serve(() => new Promise(() => {}));
    const [ready, health] = await Promise.all([get('/readyz'), get('/healthz')]);
    expect(health.status).toBe(200);
    expect(ready).toMatchObject({ status: 503, text: expect.stringContaining('no snapshot') });
  });

  it('are made once for requests of the same moment', async () => {
    const { get, asked } = await serve();
    const before = asked.count;
    await Promise.all(Array.from({ length: 20 }, () => get('/metrics')));
    expect(asked.count - before).toBeLessThan(5);
  });

  it('include a page that is whole: it names no other host, and its policy knows its script and style', async () => {
    const { get } = await serve();
    const { text, headers } = await get('/');
    expect(headers.get('content-type')).toContain('text/html');
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*style-src 'sha256-.{44}'.*script-src 'sha256-.{44}'/,
    );
    expect(text.match(/https?:\/\/[^'"\s)]+/g)!.every((url) => url.startsWith('http://www.w3.org/2000/svg'))).toBe(
      true,
    );
    expect(text).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|\son\w+=|\sstyle=/);
    expect(text).toContain('prefers-color-scheme: dark');
  });
});

describe('/status', () => {
  it('has the snapshot, with rates of a second and a minute, and ages', () => {
    const rates = new Rates();
    const at = (ok: number) =>
      snapshot({ routes: [route({ inside: side({ in: flow(ok, { BAD_TAG: ok / 10 }), lastArrivalMs: 1_059_000 }) })] });
    for (let second = 0; second <= 100; second++)
      rates.sample(at(second < 90 ? 10 * second : 900 + 50 * (second - 90)), 1000 * second);
    const status = statusOf(at(1400), rates);
    const { inside } = status.routes[0]!;
    expect(inside.in.rates['1s']).toEqual({ packetsPerSecond: 55, bitsPerSecond: 40_000 });
    // 50 seconds of 10 packets, and 10 of 50, with a tenth more of bad ones.
    expect(inside.in.rates['60s'].packetsPerSecond).toBeCloseTo((1.1 * 1000) / 60, 1);
    expect(inside.out.rates['60s']).toEqual({ packetsPerSecond: 0, bitsPerSecond: 0 });
    expect(inside.lastArrivalAgeSeconds).toBe(1);
    expect(status.routes[0]!.outside).not.toHaveProperty('lastArrivalAgeSeconds');
    expect(status.channels[0]).toMatchObject({ fingerprint: 'a1b2-c3d4-e5f6-0718', keyAgeSeconds: 60 });
    expect([status.ready, status.uptimeSeconds]).toEqual([true, 60]);
  });

  it('shows no rate below 0 for a route that was made anew, and comes as JSON', async () => {
    const rates = new Rates();
    for (const ok of [500, 3])
      rates.sample(snapshot({ routes: [route({ inside: side({ in: flow(ok) }) })] }), ok === 3 ? 1000 : 0);
    expect(rates.of('camera-1', 'inside', 'in')['1s'].packetsPerSecond).toBe(0);
    const { get } = await serve();
    expect(JSON.parse((await get('/status')).text)).toMatchObject({ ready: true, routes: [{ name: 'camera-1' }] });
  });
});

describe('/metrics', () => {
  const outside = side({
    in: { packets: { ok: 90, BAD_TAG: 4 }, rtcp: { ok: 2 }, bytes: 9000 },
    out: flow(7),
    sourceRefused: 5,
    lastRefused: '203.0.113.9:4444',
    sendErrors: { EMSGSIZE: 2 },
    overruns: 3,
    kernelDrops: 6,
  });
  const text = new Metrics().text(
    snapshot({
      routes: [route({ outside, senders: 2, sealers: 3 })],
      channels: [channel({ rotations: { ok: 1 } }), channel({ name: 'say "hi"\\', mode: 'SM4_128_ECB' })].map(
        ({ keyId, ...rest }, i) => (i === 0 ? { ...rest, keyId: keyId! } : rest),
      ),
      reloads: { refused: 1 },
    }),
  );

  it.each([
    'frameseal_packets_total{route="camera-1",side="outside",flow="in",result="ok"} 90',
    'frameseal_packets_total{route="camera-1",side="outside",flow="in",result="BAD_TAG"} 4',
    'frameseal_packets_total{route="camera-1",side="inside",flow="out",result="ok"} 0',
    'frameseal_rtcp_total{route="camera-1",side="outside",flow="in",result="ok"} 2',
    'frameseal_bytes_total{route="camera-1",side="outside",flow="in"} 9000',
    'frameseal_source_refused_total{route="camera-1",side="outside"} 5',
    'frameseal_send_errors_total{route="camera-1",side="outside",code="EMSGSIZE"} 2',
    'frameseal_overruns_total 3',
    'frameseal_kernel_drops_total{route="camera-1",side="outside"} 6',
    'frameseal_senders{route="camera-1"} 2',
    'frameseal_sealers{route="camera-1"} 3',
    'frameseal_key_id{channel="studio"} 3',
    'frameseal_key_age_seconds{channel="studio"} 60',
    'frameseal_key_age_seconds{channel="say \\"hi\\"\\\\"} 60',
    'frameseal_rotations_total{channel="studio",result="ok"} 1',
    'frameseal_rotations_total{channel="studio",result="refused"} 0',
    'frameseal_reloads_total{result="refused"} 1',
    'frameseal_crypt_seconds_bucket{le="0.000001"} 1',
    'frameseal_crypt_seconds_bucket{le="0.00001"} 3',
    'frameseal_crypt_seconds_bucket{le="+Inf"} 6',
    'frameseal_crypt_seconds_sum 0.5',
    'frameseal_crypt_seconds_count 6',
    `frameseal_build_info{version="0.1.0",engine="simd, wide",node="${process.versions.node}"} 1`,
  ])('has %s', async (line) => expect((await text).split('\n')).toContain(line));

  it('has the process, and in no label an address or a key id', async () => {
    expect(await text).toMatch(/^process_cpu_seconds_total \d/m);
    expect(await text).not.toContain('203.0.113.9');
    expect(await text).not.toMatch(/frameseal_key_id\{[^}]*say/);
    const labels = new Set(
      [...(await text).matchAll(/^frameseal_\w+\{(.*)\}/gm)].flatMap(([, all]) =>
        [...all!.matchAll(/(\w+)="/g)].map(([, name]) => name),
      ),
    );
    expect([...labels].sort()).toEqual([
      'channel',
      'code',
      'engine',
      'flow',
      'le',
      'node',
      'result',
      'route',
      'side',
      'version',
    ]);
  });
});

describe('clients', () => {
  it('have 100 connections; more are closed, and the loop continues', async () => {
    const { port } = await serve();
    const crowd = Array.from({ length: 1000 }, () => connect(port, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'));
    const open = () => crowd.filter(({ closed }) => !closed).length;
    // The system's queue of connections is let in over some seconds; an idle one is closed after 10.
    for (let waited = 0; waited < 8000 && open() > 100; waited += 50) await pause(50);
    expect(open()).toBeLessThanOrEqual(100);
    expect(open()).toBeGreaterThan(50);
    expect(crowd.filter(({ text }) => text.includes('200 OK')).length).toBeGreaterThan(50);
  });

  it('finish a head in seconds, and take an answer in seconds', async () => {
    const { port, get } = await serve();
    const slow = connect(port, 'GET /metrics HTTP/1.1\r\n');
    const silent = connect(port);
    const idle = connect(port, 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    const trickle = setInterval(() => slow.socket.write('x: y\r\n'), 200);
    onTestFinished(() => clearInterval(trickle));
    for (let waited = 0; waited < 15_000 && !(slow.closed && silent.closed && idle.closed); waited += 100)
      await pause(100);
    expect([slow.closed, silent.closed, idle.closed]).toEqual([true, true, true]);
    expect(idle.text).toContain('200 OK');
    expect((await get('/healthz')).status).toBe(200);
  });

  it('send heads of 8 KiB at most, and 100 requests a second', async () => {
    const { port } = await serve();
    const large = connect(port, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
    onTestFinished(() => agent.destroy());
    const results = await Promise.all(
      Array.from(
        { length: 400 },
        () =>
          new Promise<boolean>((resolve) => {
            const request = http.get({ host: '127.0.0.1', port, path: '/healthz', agent }, (response) => {
              response.resume().on('end', () => resolve(true));
            });
            request.on('error', () => resolve(false));
          }),
      ),
    );
    const answered = results.filter(Boolean).length;
    expect(answered).toBeGreaterThanOrEqual(50);
    expect(answered).toBeLessThan(400);
    expect(large.text).toContain('431');
  });
});
