/** Debian's Chromium without a screen: opens a page, and ends when the reports are there. */
import { inTemporaryDirectory, start, until } from '../e2e/tools.mjs';
import { PLACES, servePage } from './server.mjs';

const REPORT_LIMIT_MS = 240_000;
const END_LIMIT_MS = 5000;
const VERSION = /Chromium ([\d.]+)/;
export const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--disable-breakpad',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-proxy-server',
];

export async function chromiumVersion() {
  let text = '';
  await inTemporaryDirectory(async (file) => {
    const program = startChromium(file, ['--version']);
    await until(program, VERSION);
    text = program.output();
  });
  return text.match(VERSION)[1];
}

/** What the page and its worker observe under a policy, by place. */
export async function observeInChromium(policy, script) {
  const { address, reports, close } = await servePage(policy, script, REPORT_LIMIT_MS);
  const observed = {};
  try {
    await inTemporaryDirectory(async (file) => {
      const browser = startChromium(file, [...FLAGS, `--user-data-dir=${file('profile')}`, address]);
      const ended = browser.ended.then(() => ({ failed: `Chromium ended: ${browser.output().slice(-500)}` }));
      for (const place of PLACES) observed[place] = await Promise.race([reports[place], ended]);
      await end(browser);
    });
  } finally {
    close();
  }
  return observed;
}

/** All that Chromium writes goes to the temporary directory. `env` turns into Chromium, whose id is thus the child's. */
export function startChromium(file, args) {
  const homes = ['HOME', 'TMPDIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME'].map((name) => `${name}=${file('.')}`);
  return start('env', [...homes, 'chromium', ...args], { detached: true });
}

/** Asks first: a browser that ends by itself takes its processes with it. */
export async function end({ child, ended }) {
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
  await ended;
  clearTimeout(limit);
}
