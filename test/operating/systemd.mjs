/**
 * The unit under a systemd of its own: process 1 of new namespaces, over a copy of this machine's files that is thrown away.
 * It needs root, and a machine that permits namespaces; without them this part says so and is left out.
 *
 *     start, and a reload at once    the unit is up, and has read everything again
 *     /readyz, as another user       the key arrived as a credential; the user is not root
 *     kill -9                        it is started again
 *     stop                           ends well, with totals
 *     a wrong gateway.yaml           fails, and is not started again
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, step } from './media.mjs';

const UNIT = 'frameseal-gateway';
const COMMAND_LIMIT_MS = 20_000;
const BOOT_LIMIT_MS = 15_000;
const RESTART_LIMIT_MS = 10_000;
const CONFIGURATION = `
http: 127.0.0.1:9464
channels:
  studio: { file: /run/credentials/${UNIT}.service/studio.json, role: a }
routes:
  - name: camera-1
    inside:  { listen: 127.0.0.1:5004, peer: 127.0.0.1:7004, clear: true }
    outside: { listen: 127.0.0.1:6004, peer: 127.0.0.1:6104, channel: studio }
`;
/** Arguments: a folder, and the project. */
const BOOT = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
cd "$1" && mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
mkdir -p opt/frameseal etc/frameseal usr/local/bin
mount --bind "$2" opt/frameseal
mount -t proc proc proc && mount -t tmpfs tmpfs run && mount -t tmpfs tmpfs tmp && mount --rbind /dev dev && mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
rm -f etc/systemd/system/*.wants/*
ln -sf /opt/frameseal/src/cli/bin.js usr/local/bin/frameseal
cp opt/frameseal/deploy/${UNIT}.service etc/systemd/system/
mount --make-rshared .
exec chroot . env container=other /lib/systemd/systemd --system --unit=basic.target
`;

export async function systemd(file) {
  const folder = file('systemd');
  mkdirSync(folder);
  const spaces = ['--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--net', '--uts', '--ipc'];
  const init = spawn('unshare', [...spaces, 'bash', '-c', BOOT, 'boot', folder, ROOT], { stdio: 'ignore' });
  try {
    const machine = await booted(init);
    if (machine === undefined) step('systemd: this machine permits none of its own; this part is left out');
    else await operate(machine);
  } finally {
    init.kill('SIGKILL');
  }
}

/** How to run a command beside the systemd, once it is up; undefined where there is none. */
async function booted(init) {
  const inside = (command, input) => {
    const pid = spawnSync('pgrep', ['-P', String(init.pid)], { encoding: 'utf8' }).stdout.trim();
    const enter = ['-t', pid, '-m', '-p', '-u', '-i', '-n', '-C', '-r', '-w', 'sh', '-c', command];
    return spawnSync('nsenter', enter, { encoding: 'utf8', timeout: COMMAND_LIMIT_MS, input });
  };
  const deadline = performance.now() + BOOT_LIMIT_MS;
  while (performance.now() < deadline && init.exitCode === null) {
    if (/running|degraded/.test(inside('systemctl is-system-running').stdout ?? '')) return inside;
    await sleep(200);
  }
  return undefined;
}

async function operate(inside) {
  const run = (command, input) => {
    const { status, stdout, stderr } = inside(command, input);
    if (status !== 0) throw new Error(`systemd: ${command} ended with ${status}: ${stderr} ${journal(inside)}`);
    return stdout.trim();
  };
  const shown = (name) => run(`systemctl show -p ${name} --value ${UNIT}`);
  const expect = async (name, value) => {
    const deadline = performance.now() + RESTART_LIMIT_MS;
    while (shown(name) !== value && performance.now() < deadline) await sleep(100);
    if (shown(name) !== value) throw new Error(`systemd: ${name} is ${shown(name)}, not ${value}: ${journal(inside)}`);
  };
  run('ip link set lo up');
  run('umask 077; frameseal keygen --out /etc/frameseal/studio.json');
  run('cat > /etc/frameseal/gateway.yaml', CONFIGURATION);
  run(`systemctl daemon-reload; systemctl start ${UNIT} && systemctl reload ${UNIT}`);
  await said(inside, /is reloaded/);
  await expect('ActiveState', 'active');
  const isReady = "fetch('http://127.0.0.1:9464/readyz').then((answer) => process.exit(answer.ok ? 0 : 1))";
  run(`node -e "${isReady}"`);
  const user = run(`stat -c %U /proc/$(systemctl show -p MainPID --value ${UNIT})`);
  if (user === 'root') throw new Error('systemd: the gateway runs as root');
  run(`kill -9 $(systemctl show -p MainPID --value ${UNIT})`);
  await expect('NRestarts', '1');
  await expect('ActiveState', 'active');
  run(`until node -e "${isReady}"; do sleep 0.1; done 2> /dev/null`);
  run(`systemctl stop ${UNIT}`);
  await expect('Result', 'success');
  await said(inside, /totals/);
  run('sed -i "s/role: a/role: z/" /etc/frameseal/gateway.yaml');
  inside(`systemctl start ${UNIT}`);
  await expect('ExecMainStatus', '2');
  await expect('ActiveState', 'failed');
  await expect('NRestarts', '0');
  step(
    `systemd: a reload right after the start, a kill, a stop and a wrong gateway.yaml end as they should; user ${user}`,
  );
}

async function said(inside, pattern) {
  const deadline = performance.now() + RESTART_LIMIT_MS;
  while (!pattern.test(journal(inside))) {
    if (performance.now() > deadline) throw new Error(`systemd: no ${pattern} in the journal: ${journal(inside)}`);
    await sleep(100);
  }
}

function journal(inside) {
  return inside(`journalctl -u ${UNIT} --no-pager -o cat | tail -n 20`).stdout ?? '';
}
