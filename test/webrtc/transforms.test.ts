/** `sealFrames` and `openFrames` between streams as browsers have them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BAD_TAG, CLOSED, enableEncryption, MALFORMED, OWN_FRAME, REPLAYED, UNKNOWN_KEY } from '../../src/index.js';
import { type EncodedFrame, type FrameStatus, openFrames, sealFrames } from '../../src/webrtc/index.js';
import { config } from '../support/channel.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const SLICE = [0, 0, 0, 1, 0x65];
const FRAMES: Readonly<Record<string, number[]>> = {
  'audio/opus': [0x78, 1, 2, 3],
  'video/VP8': [0x10, 2, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0, 7, 7, 7],
  'video/VP9': [0x82, 0x49, 0x83, 0x42, 1, 2],
  'video/H264': [0, 0, 0, 1, 0x67, 66, 0, 0, 0, 1, 0x68, 0xce, ...SLICE, 0x88, 0, 0, 1, 9, 9],
  'video/AV1': [0x0a, 3, 1, 2, 3, 0x32, 4, 9, 8, 7, 6],
};

function frameOf(mimeType: string, content: readonly number[], type?: string): EncodedFrame {
  return {
    data: Uint8Array.from(content).buffer,
    ...(mimeType.startsWith('video') ? { type: type ?? 'key' } : {}),
    getMetadata: () => ({ mimeType }),
  };
}

/** Runs frames through a transform and gives what came out. */
async function through(transform: (t: Streams) => Promise<void>, frames: readonly EncodedFrame[], more = {}) {
  const out: EncodedFrame[] = [];
  const readable = new ReadableStream({
    start(controller) {
      for (const frame of frames) controller.enqueue(frame);
      controller.close();
    },
  });
  const writable = new WritableStream({ write: (frame: EncodedFrame) => void out.push(frame) });
  await transform({ readable, writable, ...more });
  return out;
}
interface Streams {
  readable: ReadableStream;
  writable: WritableStream;
}

const channelOf = (context = 'call') => enableEncryption({ ...config('AES_128_GCM2'), context }, { framing: 'frame' });
const contentOf = (frame: EncodedFrame | undefined) => [...new Uint8Array(frame!.data)];

describe('a call', () => {
  it.each(Object.entries(FRAMES))('%s comes out as it went in', async (mimeType, content) => {
    const [sealed] = await through(sealFrames(channelOf()), [frameOf(mimeType, content)]);
    expect(contentOf(sealed)).not.toEqual(content);
    const [opened] = await through(openFrames(channelOf()), [sealed!]);
    expect(contentOf(opened)).toEqual(content);
  });

  it('sealed buffers have the size of their frame, and the frame keeps nothing of the sealer', async () => {
    const frames = [1, 2].map(() => frameOf('audio/opus', FRAMES['audio/opus']!));
    const sealed = await through(sealFrames(channelOf()), frames);
    expect(sealed.map(({ data }) => data.byteLength)).toEqual([29, 29]);
    expect(sealed[0]!.data).not.toBe(sealed[1]!.data);
  });

  it.each(['video/VP8', 'video/H264', 'video/AV1'])('%s: a change in the clear bytes is noticed', async (mimeType) => {
    const [sealed] = await through(sealFrames(channelOf()), [frameOf(mimeType, FRAMES[mimeType]!)]);
    new Uint8Array(sealed!.data)[mimeType === 'video/AV1' ? 3 : 5]! ^= 1;
    const statuses: FrameStatus[] = [];
    const transform = openFrames(channelOf(), { onStatus: (status) => statuses.push(status) });
    expect(await through(transform, [sealed!])).toEqual([]);
    expect(statuses.map(({ status }) => status)).toEqual([BAD_TAG]);
  });
});

describe('what cannot be opened', () => {
  it('is dropped and reported: a mismatch after some frames, and not each frame', async () => {
    const frames = Array.from({ length: 20 }, () => frameOf('audio/opus', FRAMES['audio/opus']!));
    const sealed = await through(sealFrames(channelOf('one')), frames);
    const statuses: FrameStatus[] = [];
    const transform = openFrames(channelOf('another'), { onStatus: (status) => statuses.push(status) });
    expect(await through(transform, sealed)).toEqual([]);
    expect(statuses.map(({ status, frames, mismatch }) => [status, frames, mismatch])).toEqual([
      [BAD_TAG, 1, false],
      [BAD_TAG, 4, true],
    ]);
    expect(statuses[0]!.text).toMatch(/compare fingerprints/);
  });

  it('a frame that the browser hands over again is dropped silently', async () => {
    const [sealed] = await through(sealFrames(channelOf()), [frameOf('audio/opus', FRAMES['audio/opus']!)]);
    const copy = { ...sealed!, data: sealed!.data.slice(0) };
    const onStatus = vi.fn();
    expect(await through(openFrames(channelOf(), { onStatus }), [sealed!, copy])).toHaveLength(1);
    expect(onStatus).not.toHaveBeenCalled();
    expect(REPLAYED).toBeLessThan(0);
  });

  it('an empty frame is dropped silently', async () => {
    const onStatus = vi.fn();
    expect(await through(openFrames(channelOf(), { onStatus }), [frameOf('audio/opus', [])])).toEqual([]);
    expect(onStatus).not.toHaveBeenCalled();
  });

  it.each([
    ['another frame opens after a failure', 'delta', true, 1],
    ['a key frame opens after a failure', 'key', true, 0],
    ['nothing failed', 'delta', false, 0],
  ])('requests for a key frame, when %s', async (_, type, isChanged, requests) => {
    const frames = [1, 2].map(() => frameOf('video/VP9', FRAMES['video/VP9']!, type));
    const sealed = await through(sealFrames(channelOf()), frames);
    if (isChanged) new Uint8Array(sealed[0]!.data)[20]! ^= 1;
    const sendKeyFrameRequest = vi.fn(async () => {});
    const statuses: number[] = [];
    const transform = openFrames(channelOf(), { onStatus: ({ status }) => statuses.push(status) });
    expect(await through(transform, sealed, { sendKeyFrameRequest })).toHaveLength(isChanged ? 1 : 2);
    expect(sendKeyFrameRequest).toHaveBeenCalledTimes(requests);
    expect(statuses).toEqual(isChanged ? [BAD_TAG, 0] : []);
  });

  it.each([
    ['seal', sealFrames],
    ['open', openFrames],
  ])('a frame that has not the form of its codec is dropped and told: %s', async (_, transformOf) => {
    const statuses: number[] = [];
    const transform = transformOf(channelOf(), { onStatus: ({ status }) => statuses.push(status) });
    expect(await through(transform, [frameOf('video/H264', [1, 2, 3])])).toEqual([]);
    expect(statuses).toEqual([MALFORMED]);
  });

  it('a frame of its own channel comes with an advice', async () => {
    const channel = channelOf();
    const sealed = await through(sealFrames(channel), [frameOf('audio/opus', FRAMES['audio/opus']!)]);
    const told: FrameStatus[] = [];
    await through(openFrames(channel, { onStatus: (status) => told.push(status) }), sealed);
    expect(told.map(({ status }) => status)).toEqual([OWN_FRAME]);
    expect(told[0]!.text).toMatch(/two channels/);
  });
});

describe('reports', () => {
  /** Sealed frames of Opus by a channel of this context and key id; those of `changed` do not open. */
  async function sealedBy(channel: ReturnType<typeof channelOf>, count: number, changed: readonly number[] = []) {
    const frames = Array.from({ length: count }, () => frameOf('audio/opus', FRAMES['audio/opus']!));
    const sealed = await through(sealFrames(channel), frames);
    for (const i of changed) new Uint8Array(sealed[i]!.data)[20]! ^= 1;
    return sealed;
  }

  async function toldOf(sealed: readonly EncodedFrame[]) {
    const told: FrameStatus[] = [];
    await through(openFrames(channelOf(), { onStatus: (status) => told.push(status) }), sealed);
    return told.map(({ status, frames, mismatch }) => [status, frames, mismatch]);
  }

  /** A clock that is `stepMs` later at each look. */
  function clock(stepMs: number): void {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => {
      nowMs += stepMs;
      return nowMs;
    });
  }

  it('a key id that the receiver does not have is a mismatch too', async () => {
    const channel = enableEncryption({ ...config('AES_128_GCM2'), context: 'call', keyId: 9 }, { framing: 'frame' });
    expect(await toldOf(await sealedBy(channel, 9))).toEqual([
      [UNKNOWN_KEY, 1, false],
      [UNKNOWN_KEY, 4, true],
    ]);
  });

  it('no mismatch once a frame has opened, and a cause again after a second, with its count', async () => {
    clock(400);
    const sealed = await sealedBy(channelOf(), 9, [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await toldOf(sealed)).toEqual([
      [BAD_TAG, 1, false],
      [BAD_TAG, 3, false],
      [BAD_TAG, 3, false],
    ]);
  });

  it('a cause that returns is reported at once', async () => {
    clock(1);
    expect(await toldOf(await sealedBy(channelOf(), 4, [0, 2]))).toEqual([
      [BAD_TAG, 1, false],
      [0, 1, false],
      [BAD_TAG, 1, false],
      [0, 1, false],
    ]);
  });
});

describe('codecs', () => {
  it('one without a rule is dropped, and reported by name', async () => {
    const texts: string[] = [];
    const transform = sealFrames(channelOf(), { onStatus: ({ text, status }) => texts.push(`${status} ${text}`) });
    expect(await through(transform, [frameOf('video/H265', [1, 2, 3])])).toEqual([]);
    expect(texts[0]).toMatch(new RegExp(`^${MALFORMED} video/H265 has no rule: negotiate one of opus, vp9, vp8`));
  });

  it('a frame without a media type has the codec of the option', async () => {
    const frame = { data: Uint8Array.of(1, 2, 3).buffer };
    const texts: string[] = [];
    await through(sealFrames(channelOf(), { onStatus: ({ text }) => texts.push(text) }), [frame]);
    expect(texts[0]).toMatch(/set the option codec/);
    expect(await through(sealFrames(channelOf(), { codec: 'opus' }), [frame])).toHaveLength(1);
  });

  it.each([
    ['a codec without a rule', { codec: 'h263' }, /codec must be one of opus/],
    ['a report to no function', { onStatus: 'log' }, /onStatus must be a function/],
  ])('%s is refused before a stream begins', (_, options, message) => {
    for (const make of [sealFrames, openFrames]) expect(() => make(channelOf(), options as never)).toThrow(message);
  });

  it('a VP8 frame too short to be opened is reported by its sender', async () => {
    const statuses: number[] = [];
    const transform = sealFrames(channelOf(), { onStatus: ({ status }) => statuses.push(status) });
    expect(await through(transform, [frameOf('video/VP8', [0x10, 2, 0, 0x9d, 1])])).toEqual([]);
    expect(statuses).toEqual([MALFORMED]);
  });
});

describe('rotation', () => {
  /** How often a sender of these frames asks for a key frame, with a rotation after two of six. */
  async function requests(mimeType: string): Promise<number> {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const channel = channelOf();
    let asked = 0;
    let pulls = 0;
    const readable = new ReadableStream({
      pull(controller) {
        if (pulls++ === 2) {
          channel.rotate({ ...config('AES_128_GCM2'), context: 'call', encryptionKey: 'b7'.repeat(32), keyId: 9 });
        }
        if (pulls === 6) controller.close();
        else controller.enqueue(frameOf(mimeType, FRAMES[mimeType]!, 'delta'));
      },
    });
    // A browser refuses where no frame has come yet. No spy: it would handle the rejection.
    const generateKeyFrame = () => {
      asked++;
      return Promise.reject(new Error('no frame yet'));
    };
    await sealFrames(channel)({ readable, writable: new WritableStream(), generateKeyFrame });
    channel.close();
    return asked;
  }

  it('a sender asks for a key frame once its frames are sealed with the new key', async () => {
    expect(await requests('video/VP9')).toBe(1);
  });

  it('a sender of audio does not', async () => {
    expect(await requests('audio/opus')).toBe(0);
  });
});

describe('the end of a stream', () => {
  it('closes the sealer and the opener of the stream, and no other', async () => {
    const channel = channelOf();
    const [createSealer, createOpener] = [vi.spyOn(channel, 'createSealer'), vi.spyOn(channel, 'createOpener')];
    const [sealed] = await through(sealFrames(channel), [frameOf('audio/opus', FRAMES['audio/opus']!)]);
    await through(openFrames(channel), [sealed!]);
    const sealer = createSealer.mock.results[0]!.value as ReturnType<typeof channel.createSealer>;
    const opener = createOpener.mock.results[0]!.value as ReturnType<typeof channel.createOpener>;
    expect(sealer.seal(Uint8Array.of(1), new Uint8Array(99))).toBe(CLOSED);
    expect(opener.open(new Uint8Array(sealed!.data), new Uint8Array(99))).toBe(CLOSED);
    expect(channel.createSealer().seal(Uint8Array.of(1), new Uint8Array(99))).toBeGreaterThan(0);
  });
});

describe('channels', () => {
  it('of RTP packets are refused', () => {
    const channel = enableEncryption(config('AES_128_GCM2'));
    expect(() => sealFrames(channel)).toThrow(/framing: 'frame'/);
    expect(() => openFrames(channel)).toThrow(TypeError);
    channel.close();
  });
});
