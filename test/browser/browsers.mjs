/** The browsers: how each is started for a page of calls, without a screen, and ends. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { inTemporaryDirectory, start, until } from '../e2e/tools.mjs';
import { chromiumVersion, end, FLAGS, startChromium } from '../platforms/chromium.mjs';

export const CALL_FLAGS = [
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** Preferences without which Firefox has no loopback candidates and no sound. */
const FIREFOX_SETTINGS = {
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.autoplay.default': 0,
  'media.autoplay.block-webaudio': false,
  'media.autoplay.blocking_policy': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
};

export const BROWSERS = {
  chromium: {
    program: 'chromium',
    package: 'chromium',
    version: async () => `Chromium ${await chromiumVersion()}`,
    open: (address, done) =>
      during(done, (file) =>
        startChromium(file, [...FLAGS, ...CALL_FLAGS, `--user-data-dir=${file('profile')}`, address]),
      ),
  },
  firefox: {
    program: 'firefox-esr',
    package: 'firefox-esr',
    version: firefoxVersion,
    open: (address, done) =>
      during(done, (file) => {
        mkdirSync(file('profile'));
        const settings = Object.entries(FIREFOX_SETTINGS).map(
          ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
        );
        writeFileSync(file('profile/user.js'), settings.join('\n'));
        return startFirefox(file, ['--headless', '--no-remote', '--profile', file('profile'), address]);
      }),
  },
};

/** The browser shows the page until `done`. Returns what that comes to; or that the browser ended first. */
async function during(done, open) {
  let failed;
  await inTemporaryDirectory(async (file) => {
    const browser = open(file);
    const ended = browser.ended.then(() => `the browser ended: ${browser.output().slice(-500)}`);
    failed = await Promise.race([done, ended]);
    await end(browser);
  });
  return failed;
}

async function firefoxVersion() {
  const program = start('firefox-esr', ['--version']);
  await until(program, /Firefox [\d.]+/);
  return program.output().trim();
}

function startFirefox(file, args) {
  const homes = ['HOME', 'TMPDIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME'].map((name) => `${name}=${file('.')}`);
  return start('env', [...homes, 'firefox-esr', ...args], { detached: true });
}
