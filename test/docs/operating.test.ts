/** docs/operating.md names every metric, warning, setting and alert, and no other. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gatewaySchema } from '../../src/cli/gateway/config/schema.js';
import { Metrics } from '../../src/cli/gateway/http/metrics.js';
import { snapshot } from '../support/snapshot.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/operating.md');

/** The names in the first column of the table with this heading. */
function namesOf(heading: string): string[] {
  const lines = page.split('\n');
  return lines.flatMap((line, i) => {
    if (!line.startsWith(`| ${heading} |`)) return [];
    const rest = lines.slice(i + 2);
    const rows = rest.slice(
      0,
      rest.findIndex((row) => !row.startsWith('|')),
    );
    return rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  });
}

/** The words in quotes between two marks of a source. */
function quoted(text: string, from: string, to: string): string[] {
  const start = text.indexOf(from);
  const part = text.slice(start, text.indexOf(to, start));
  return [...part.matchAll(/'([\w-]+)'/g)].map(([, name]) => name!);
}

describe('docs/operating.md', () => {
  it('names every metric', async () => {
    const text = await new Metrics().text(snapshot());
    const all = [...text.matchAll(/^# TYPE (frameseal_\w+) /gm)].map(([, name]) => name);
    expect(namesOf('metric')).toEqual(expect.arrayContaining(all));
    expect(namesOf('metric')).toHaveLength(all.length);
  });

  it('names every warning', () => {
    const causes = quoted(read('src/cli/gateway/snapshot.ts'), 'export type WarningCause', ';');
    expect(namesOf('cause')).toEqual(causes);
  });

  it('names every alert', () => {
    const alerts = [...read('deploy/alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name]) => name);
    expect(namesOf('alert').sort()).toEqual(alerts.sort());
  });

  it('names every setting', () => {
    const named = namesOf('setting').map((name) => name.replace(/:.*/, ''));
    expect(new Set(named)).toEqual(new Set(settingsOf(gatewaySchema)));
  });
});

/** The names of all fields that a schema takes, at any depth; `send` and `receive` stand in the row of `srtp`. */
function settingsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  if (!('entries' in schema)) return Object.values(schema).flatMap(settingsOf);
  const entries = Object.entries(schema.entries as object);
  return entries.flatMap(([name, inner]) => (['send', 'receive'].includes(name) ? [] : [name, ...settingsOf(inner)]));
}
