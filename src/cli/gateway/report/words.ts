/** Events of a gateway in words, one line each, and its totals. */
import { number, table } from '../../terminal.js';
import { SIDES } from '../rates.js';
import type {
  ChannelSnapshot,
  GatewayEvent,
  GatewaySnapshot,
  RouteSnapshot,
  SideName,
  SideSnapshot,
} from '../snapshot.js';
import { settingsOf } from './mismatch.js';

/** Puts events into words. It keeps the channels that it was told of, because the lines of routes name their keys. */
export class Words {
  readonly #channels = new Map<string, ChannelSnapshot>();
  /** Keys that open and may seal later, by channel and key id. */
  readonly #keys = new Map<string, Pick<ChannelSnapshot, 'fingerprint' | 'opens' | 'keyId'>>();
  #engine = '';

  /** The line of an event, or lines: without a time, and without control characters. */
  of(event: GatewayEvent): string {
    return this.#text(event).replace(/[^\P{Cc}\n]/gu, '?');
  }

  #text(event: GatewayEvent): string {
    switch (event.type) {
      case 'started': {
        this.#engine = event.engine;
        const file = event.file === undefined ? '' : `, ${event.file}`;
        const http = event.http === undefined ? '' : `, http://${event.http}/`;
        return `frameseal ${event.version} started, ${event.engine} engine${file}${http}`;
      }
      case 'channel':
        this.#channels.set(event.channel.name, event.channel);
        return `channel ${event.channel.name}: ${fingerprints(event.channel)}, ${settingsOf(event.channel)}, from ${event.channel.file}`;
      case 'route-opened':
        return `route ${this.#route(event.route)}`;
      case 'route-changed':
        return `route changed: ${this.#route(event.route)}`;
      case 'route-closed':
        return `route ${event.route.name} closed`;
      case 'first-packet':
        return `${placeOf(event)}: the first packet arrived, from ${event.source}`;
      case 'first-opened':
        return `${placeOf(event)}: the first frame opened, from ${event.source}, sender ${event.sender}`;
      case 'peer': {
        const how = event.by === 'learned' ? 'learned from a packet' : 'from the name server';
        return event.before === undefined
          ? `${placeOf(event)}: the peer is ${event.peer} (${how})`
          : `${placeOf(event)}: the peer changes from ${event.before} to ${event.peer} (${how})`;
      }
      case 'rotated': {
        const { channel, keyId, sealAfterMs, graceMs } = event;
        this.#keys.set(`${channel} ${keyId}`, event);
        return (
          `channel ${channel}: new key, ${fingerprints(event)}, key id ${keyId}: opens now, seals in ${sealAfterMs / 1000} s; ` +
          `the old key ends in ${(sealAfterMs + graceMs) / 1000} s`
        );
      }
      case 'key-opens':
        this.#keys.set(`${event.channel} ${event.keyId}`, event);
        return `channel ${event.channel}: new key, ${fingerprints(event)}, key id ${event.keyId}: opens from now on`;
      case 'store':
        return event.message;
      case 'key-seals':
        this.#sealsWith(event.channel, event.keyId);
        return `channel ${event.channel}: key id ${event.keyId} seals from now on`;
      case 'key-ended':
        return `channel ${event.channel}: key id ${event.keyId} has ended`;
      case 'reloaded':
        return reloaded(event);
      case 'warning':
        return `${placeOf(event)}${event.message}${event.count > 1 ? ` (${number(event.count)} times)` : ''}`;
      case 'stopping':
        return `${event.signal}: packets that have arrived are sent, then the gateway ends`;
    }
  }

  #sealsWith(name: string, keyId: number): void {
    const [channel, key] = [this.#channels.get(name), this.#keys.get(`${name} ${keyId}`)];
    if (channel === undefined || key === undefined) return;
    const { fingerprint, opens } = key;
    this.#channels.set(name, { ...channel, fingerprint, opens, keyId });
  }

  #route({ name, direction, thread, inside, outside }: RouteSnapshot): string {
    const way = { both: '<->', outward: '->', inward: '<-' }[direction];
    const where = thread === 0 ? '' : `, thread ${thread}`;
    return `${name}: inside ${this.#side(inside)} ${way} outside ${this.#side(outside)}; ${this.#engine} engine${where}`;
  }

  #side({ rule, listen, peer, peerSetting }: SideSnapshot): string {
    const to = peer ?? (peerSetting === 'learn' ? 'a peer to be learned' : peerSetting);
    return `${listen} (peer ${to}; ${this.#rule(rule)})`;
  }

  #rule(rule: SideSnapshot['rule']): string {
    if (rule.kind === 'clear') return 'clear';
    if (rule.kind === 'srtp') return `srtp, sends ${rule.send ?? 'nothing'}, receives ${rule.receive ?? 'nothing'}`;
    const channel = this.#channels.get(rule.channel);
    const key = channel === undefined ? '' : `, ${fingerprints(channel)}, key id ${channel.keyId ?? 'none'}`;
    return `channel ${rule.channel}${key}`;
  }
}

/** Whether an event is to be looked after. */
export function isWarning(event: GatewayEvent): boolean {
  return event.type === 'warning' || (event.type === 'reloaded' && event.result === 'refused');
}

/** The totals of a gateway's end as lines. */
export function totals({ routes }: GatewaySnapshot): string {
  const rows = routes.flatMap((route) =>
    SIDES.map((name) => {
      const { in: arrived, out, sourceRefused, overruns, kernelDrops, sendErrors } = route[name];
      const { ok: accepted = 0, ...refused } = arrived.packets;
      const { ok: sent = 0, ...unsent } = out.packets;
      const lost = {
        ...refused,
        'source refused': sourceRefused,
        ...Object.fromEntries(Object.entries(unsent).map(([status, count]) => [`out: ${status}`, count])),
        ...sendErrors,
        overruns,
        'kernel drops': kernelDrops,
      };
      const words = Object.entries(lost).flatMap(([what, count]) => (count > 0 ? [`${what} ${number(count)}`] : []));
      return [route.name, name, `${number(accepted)} in`, `${number(sent)} out`, words.join(', ')];
    }),
  );
  return `totals\n${table(rows)}`;
}

/** One fingerprint, or two where the directions differ. */
function fingerprints({ fingerprint, opens }: { readonly fingerprint: string; readonly opens: string }): string {
  return fingerprint === opens ? `fingerprint ${fingerprint}` : `seals ${fingerprint}, opens ${opens}`;
}

function placeOf(event: { readonly type: string; readonly route?: string; readonly side?: SideName }): string {
  const place = [event.route, event.side].filter((name) => name !== undefined).join(' ');
  return event.type === 'warning' && place !== '' ? `${place}: ` : place;
}

function reloaded({ result, added, changed, removed, faults }: Extract<GatewayEvent, { type: 'reloaded' }>): string {
  if (result === 'refused')
    return `the configuration is not taken, and nothing changes:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
  const parts = Object.entries({ added, changed, removed }).flatMap(([what, names]) =>
    names.length > 0 ? [`${what} ${names.join(', ')}`] : [],
  );
  return `the configuration is reloaded: ${parts.join('; ') || 'no route changes'}`;
}
