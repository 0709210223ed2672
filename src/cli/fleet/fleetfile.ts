/** The file that says to an operator where a fleet's keyset is. It holds no secret. */
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { readSecretFile, reason } from '../secretfile.js';
import { CliError } from '../terminal.js';
import { defaultName, type StoreSettings, settingsFaults } from './settings.js';

export const ENVIRONMENT_NAME = 'FRAMESEAL_FLEET';

/** The settings in the file that `--fleet` or FRAMESEAL_FLEET names. */
export async function settingsOf({ fleet }: { readonly fleet?: string }): Promise<StoreSettings> {
  const file = fleet ?? process.env[ENVIRONMENT_NAME];
  if (!file)
    throw new CliError(
      `where is the keyset? Give --fleet FILE, or name the file in ${ENVIRONMENT_NAME}: YAML with servers: [tls://HOST:4222], bucket, key, identity`,
    );
  let text: string;
  try {
    text = await readSecretFile(file, 'keyless');
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${reason(error)}`);
  }
  const document = parseDocument(text, { prettyErrors: true });
  const [broken] = document.errors;
  if (broken) throw new CliError(`${file}: ${broken.message.split('\n')[0]}`);
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  const faults = settingsFaults(value);
  if (faults.length > 0)
    throw new CliError(
      faults.map(({ field, message }) => `${file}: ${field ? `${field}: ` : ''}${message}`).join('\n'),
    );
  const settings = value as Omit<StoreSettings, 'name'>;
  // As in gateway.yaml, paths are relative to the file's folder.
  const from = (path: string) => resolve(dirname(file), path);
  const { identity, credentials, ca } = settings;
  return {
    name: defaultName(),
    ...settings,
    identity: from(identity),
    ...(credentials !== undefined && { credentials: from(credentials) }),
    ...(ca !== undefined && { ca: from(ca) }),
  };
}
