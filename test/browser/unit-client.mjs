/** The page's script and its worker's, in one: each posts what it observes to the server that it came from. */
import { observe } from '../platforms/observe.mjs';
import { transformFaults, vectorFaults } from './unit-checks.mjs';

const isPage = 'document' in globalThis;
if (isPage) new Worker(import.meta.url, { type: 'module' });
const observed = await observe();
const vectors = vectorFaults(observed.auto);
const transforms = await transformFaults();
const report = { ...observed, vectors: vectors.agreed, transforms: transforms.checks };
report.faults.push(...vectors.faults, ...transforms.faults);
await fetch(`/report/${isPage ? 'page' : 'worker'}`, { method: 'POST', body: JSON.stringify(report) });
