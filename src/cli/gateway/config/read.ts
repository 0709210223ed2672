/**
 * Reads gateway.yaml: YAML 1.2, and so JSON as well. Every fault is found at once, and named with file, line and field:
 *
 *     text -> YAML (yaml) -> shape (schema.ts) -> sense (sense.ts) -> GatewayModel
 *
 * The file holds no key, so messages may quote it.
 */
import { dirname, isAbsolute, join } from 'node:path';
import * as v from 'valibot';
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { defaultName, type StoreSettings } from '../../fleet/settings.js';
import type { ChannelModel, GatewayModel, RouteModel, SideModel } from './model.js';
import { meanSamePort, SIDE_DEFAULTS } from './model.js';
import { type GatewayFile, gatewaySchema, type SchemaIssue, type SideFile } from './schema.js';
import { senseFaults } from './sense.js';

/** A field by its names and indices from the top: `['routes', 0, 'inside']`. */
type Path = readonly (string | number)[];

export interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** What a text says. */
export interface Reading {
  /** Undefined where the text has not the shape of one. */
  readonly model?: GatewayModel;
  /** All faults of the text, a line each with file, line and field. A model with faults is good for finding more of them. */
  readonly faults: readonly string[];
  /** The line of a fault that a later check finds in the model. */
  line(fault: Fault): string;
}

const MAX_ALIASES = 20;

/** `file`: for messages, and paths in the text are relative to its folder. */
export function readGatewayFile(text: string, file: string): Reading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const line = ({ path, message }: Fault) => `${place(offsetOf(document, path))}: ${nameOf(path)}${message}`;
  if (document.errors.length > 0) {
    const faults = document.errors.map(({ message, pos }) => `${place(pos[0])}: ${message}${hint(text, pos[0])}`);
    return { faults, line };
  }
  const parsed = v.safeParse(gatewaySchema, jsOf(document));
  if (!parsed.success) return { faults: parsed.issues.map((issue) => line(faultOf(issue))), line };
  const model = modelOf(parsed.output, dirname(file));
  return { model, faults: senseFaults(model, parsed.output).map(line), line };
}

/** The document's value; references that multiply are refused by the parser, as a fault of shape. */
function jsOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return undefined;
  }
}

function faultOf(issue: SchemaIssue): Fault {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  if (issue.kind === 'schema' && issue.type === 'strict_object' && issue.expected === 'never') {
    return { path, message: 'no such setting' };
  }
  const isAbsent = issue.received === 'undefined';
  return { path, message: isAbsent && path.length > 0 ? 'this setting is needed' : issue.message };
}

/** The position of a field; of its innermost existing parent where the field is absent. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
    const key = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isNode(item.key) && item.key.toJSON() === key) : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function nameOf(path: Path): string {
  const name = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return name === '' ? '' : `${name.replace(/^\./, '')}: `;
}

/** YAML reads `[::1]:5004` as a list. */
function hint(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const line = text.slice(start, text.indexOf('\n', offset) >>> 0);
  return /[^"'][[][0-9a-fA-F:.%]+\]:\d/.test(line) ? ' (an IPv6 address stands in quotes: "[::1]:5004")' : '';
}

function modelOf(file: GatewayFile, folder: string): GatewayModel {
  const from = (path: string) => (isAbsolute(path) ? path : join(folder, path));
  return definite<GatewayModel>({
    http: file.http,
    workers: file.workers,
    state: file.state ?? process.env['STATE_DIRECTORY']?.split(':')[0],
    channels: Object.entries(file.channels).map(([name, { file, nats, sealAfter, grace, ...rest }]) =>
      definite<ChannelModel>({
        name,
        ...rest,
        ...(nats === undefined
          ? { file: from(file!) }
          : { file: `nats ${nats.bucket}/${nats.key}`, nats: storeOf(nats, from) }),
        sealAfterMs: sealAfter,
        graceMs: grace,
      }),
    ),
    srtp: Object.entries(file.srtp).map(([name, { file }]) => ({ name, file: from(file) })),
    routes: file.routes.map((route): RouteModel => {
      const [inside, outside] = [sideOf(route.inside), sideOf(route.outside)];
      return { ...route, isShared: meanSamePort(inside, outside), inside, outside };
    }),
  });
}

function storeOf(nats: NonNullable<GatewayFile['channels'][string]['nats']>, from: (path: string) => string) {
  const { identity, credentials, ca, name } = nats;
  return definite<StoreSettings>({
    ...nats,
    name: name ?? defaultName(),
    identity: from(identity),
    credentials: credentials && from(credentials),
    ca: ca && from(ca),
  });
}

function sideOf({ clear: _clear, channel, srtp, ...rest }: SideFile): SideModel {
  const rule =
    channel !== undefined
      ? ({ kind: 'channel', channel } as const)
      : srtp !== undefined
        ? definite<Extract<SideModel['rule'], { kind: 'srtp' }>>({ kind: 'srtp', ...srtp })
        : ({ kind: 'clear' } as const);
  return definite<SideModel>({ ...SIDE_DEFAULTS, ...rest, rule });
}

/** The object without the fields that are undefined. */
function definite<Type>(fields: { [Name in keyof Type]: Type[Name] | undefined }): Type {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Type;
}
