/** gateway.yaml as the source of a gateway's model. */
import { readSecretFile, reason } from '../../secretfile.js';
import { type Fault, type Reading, readGatewayFile } from './read.js';

/** Where a gateway's model comes from: gateway.yaml, or the options of the short form. */
export interface ModelSource {
  /** The configuration file, for people; undefined with the short form. */
  readonly file?: string;
  read(): Promise<Reading>;
}

export function fileSource(file: string): ModelSource {
  return {
    file,
    async read() {
      try {
        return readGatewayFile(await readSecretFile(file, 'keyless'), file);
      } catch (error) {
        const line = ({ message }: Fault) => `${file}: ${message}`;
        return { faults: [line({ path: [], message: `cannot be read: ${reason(error)}` })], line };
      }
    },
  };
}
