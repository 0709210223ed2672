/**
 * `npm run test:operating`: gateways as an operator has them.
 *
 *     services    the unit, alert rules, /metrics and dashboard under systemd-analyze, promtool and Prometheus (services.mjs)
 *     systemd     the unit under a systemd of its own, where the machine permits one (systemd.mjs)
 *     load        5,000 packets a second with reloads, rotations and a kill: every packet is accounted for (load/load.mjs)
 *     attack      floods from a source that is not allowed, reflected frames: media goes on (attack.mjs)
 *
 * --only services|systemd|load|attack; --seconds N: for how long Prometheus scrapes (60); --minutes N: of load (1). Installs
 * Debian's prometheus where it is missing. All traffic stays on loopback.
 */
import { parseArgs } from 'node:util';
import { inTemporaryDirectory, needTools } from '../e2e/tools.mjs';
import { attack } from './attack.mjs';
import { load } from './load/load.mjs';
import { step } from './media.mjs';
import { services } from './services.mjs';
import { systemd } from './systemd.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    minutes: { type: 'string', default: '1' },
  },
});
const parts = {
  services: (file) => {
    needTools({ promtool: 'prometheus', prometheus: 'prometheus', 'systemd-analyze': 'systemd' }, step);
    return services(file, Number(values.seconds));
  },
  systemd,
  load: (file) => load(file, Number(values.minutes)),
  attack,
};
const wanted = values.only === undefined ? Object.keys(parts) : [values.only];
for (const name of wanted) {
  if (parts[name] === undefined) throw new Error(`--only takes one of ${Object.keys(parts).join(', ')}`);
  await inTemporaryDirectory(parts[name]);
}
step('done');
