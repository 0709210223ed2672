/**
 * `examples/webrtc` as it is served, in Chromium: a call starts, the wrong key is reported, the right one plays again, and a rotation
 * goes on without a failed frame. Returns what is wrong, and a line of what was seen.
 */
import { serve } from '../../examples/webrtc/serve.mjs';
import { inTemporaryDirectory } from '../e2e/tools.mjs';
import { CALL_FLAGS } from './browsers.mjs';
import { inPage } from './devtools.mjs';

export const EXAMPLE = 'examples/webrtc';
const TOLD_WITHIN_MS = 2000;
/** Frames that are opened in a second or two. */
const SOME_FRAMES = 60;

const text = (id) => `document.getElementById("${id}").textContent`;
const number = (id) => `Number(${text(id)}.replaceAll(",", ""))`;
const decoded = 'document.getElementById("remote").getVideoPlaybackQuality().totalVideoFrames';
/** Keeps the page's connections, for their statistics. */
const watch = `globalThis.connections = []; globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); connections.push(this); }
}; undefined`;
const keyFrames = `connections[0].getStats().then((reports) => [...reports.values()].find(
  ({ type, kind }) => type === "outbound-rtp" && kind === "video").keyFramesEncoded)`;
const click = (id) => `document.getElementById("${id}").click()`;
const state = (name) => `document.body.dataset.state === "${name}"`;

export async function callInExample() {
  const server = await serve(0);
  let result;
  try {
    await inTemporaryDirectory(async (file) => {
      result = await inPage(file, `http://127.0.0.1:${server.address().port}/`, CALL_FLAGS, drive);
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return result;
}

async function drive(page) {
  const faults = [];
  const must = (holds, fault) => void (holds || faults.push(fault));
  await page.get(watch);
  await page.get(click('start'));
  await page.until(state('running'), 20_000);
  await more(page);
  must((await page.get(text('sender-print'))) === (await page.get(text('receiver-print'))), 'the fingerprints differ');
  must((await page.get(text('about'))).includes('engine simd'), 'the engine is not the SIMD engine');

  await page.get(click('wrong'));
  const toldMs = await page.until(`${state('wrong')} && ${text('mismatch')} !== ""`);
  must(toldMs <= TOLD_WITHIN_MS, `the wrong key was told after ${Math.round(toldMs)} ms`);
  const opened = await page.get(number('opened'));
  const playedFrames = await page.get(decoded);
  await page.until(`${number('dropped')} > ${SOME_FRAMES}`);
  must((await page.get(decoded)) === playedFrames, 'a frame was decoded with the wrong key');
  must((await page.get(text('statuses'))).includes('BAD_TAG'), 'the status is not shown');

  await page.get(click('wrong'));
  await page.until(`${state('running')} && ${number('opened')} > ${opened + SOME_FRAMES}`);
  await page.until(`${decoded} > ${playedFrames + 10}`);
  must((await page.get(text('mismatch'))) === '', 'the wrong key is still told');

  const [before, dropped] = [await page.get(text('receiver-print')), await page.get(number('dropped'))];
  const key = await page.get(keyFrames);
  await page.get(click('rotate'));
  await page.until(`${text('receiver-print')} !== ${JSON.stringify(before)}`);
  await more(page);
  await more(page);
  const lost = (await page.get(number('dropped'))) - dropped;
  must((await page.get(keyFrames)) > key, 'no key frame came after the rotation');
  must(lost === 0, `${lost} frames were dropped after the rotation`);
  const frames = await page.get(number('opened'));
  await page.get(click('start'));
  await page.until(state('idle'));
  // A call that is ended before it has begun leaves nothing behind.
  await page.get(`${click('start')}; ${click('start')}`);
  await page.until(`${text('sender-print')} === "-"`);
  await page.get('new Promise((resolve) => setTimeout(resolve, 1500))');
  must(await page.get(`${state('idle')} && document.getElementById("local").srcObject === null`), 'a call went on');
  for (const error of page.errors) faults.push(error);
  return {
    faults,
    line: `${frames} opened, the wrong key told after ${Math.round(toldMs)} ms, ${lost} lost by a rotation`,
  };
}

/** Waits for more opened frames. */
async function more(page) {
  await page.until(`${number('opened')} > ${(await page.get(number('opened'))) + SOME_FRAMES}`);
}
