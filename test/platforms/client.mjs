/** The page's script and its module worker's, in one: each posts what it observes to the server that it came from. */
import { observe } from './observe.mjs';

const isPage = 'document' in globalThis;
if (isPage) new Worker(import.meta.url, { type: 'module' });
await fetch(`/report/${isPage ? 'page' : 'worker'}`, { method: 'POST', body: JSON.stringify(await observe()) });
