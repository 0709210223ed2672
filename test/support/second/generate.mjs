// @ts-check
/** `npm run vectors`: writes fixtures/channel.json with the second implementation. A test says when the file is out of date. */
import { writeFileSync } from 'node:fs';
import { render } from './vectors/file.mjs';

writeFileSync(new URL('../../../fixtures/channel.json', import.meta.url), render());
