/** Settings that work, and that an operator should know the consequences of: told once, when they come into force. */
import { endpointText } from '../arguments.js';
import { type GatewayModel, type RouteModel, receives } from './config/model.js';
import type { ChannelSnapshot, EventBody, SideName } from './snapshot.js';

type Warning = Extract<EventBody, { readonly type: 'warning' }>;

const SIDES: readonly SideName[] = ['inside', 'outside'];
const FIRST_PLAIN_PORT = 1024;

/** Of a channel that is new in the model. */
export function channelRisks({ name, role }: ChannelSnapshot, { workers, routes }: GatewayModel): Warning[] {
  const users = routes.filter(({ inside, outside }) =>
    [inside, outside].some(({ rule }) => rule.kind === 'channel' && rule.channel === name),
  );
  if (role !== undefined || workers < 2 || users.length < 2) return [];
  const message = `channel ${name} has no role, and several threads have it: frames of its own that come back are known only to the thread that sealed them; give one end role a, and the other b`;
  return [{ type: 'warning', cause: 'own-frame', count: 1, message }];
}

/** Of a route that is new or changed. */
export function routeRisks(route: RouteModel): Warning[] {
  return SIDES.flatMap((side): Warning[] => {
    const { rule, from, listen } = route[side];
    if (rule.kind !== 'clear' || !from?.includes('any') || !receives(route, side)) return [];
    const message = `from: any on a clear side: what anybody sends to ${endpointText(listen!)} is sealed as yours`;
    return [{ type: 'warning', cause: 'open-source', route: route.name, side, count: 1, message }];
  });
}

/** Of the process. */
export function processRisks({ routes, http }: GatewayModel): Warning[] {
  const ports = [...routes.flatMap(({ inside, outside }) => [inside.listen, outside.listen]), http].map(
    (at) => at?.port,
  );
  const needsRoot = ports.some((port) => port !== undefined && port > 0 && port < FIRST_PLAIN_PORT);
  if (process.getuid?.() !== 0 || needsRoot) return [];
  const message = 'the gateway runs as root, and no port below 1024 needs that: run it as a user of its own';
  return [{ type: 'warning', cause: 'root', count: 1, message }];
}
