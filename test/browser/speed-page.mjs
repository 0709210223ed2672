/** Runs in the browser: has a worker measure (speed-worker.mjs), and posts its rows. */

const worker = new Worker('/worker.js', { type: 'module' });
const post = (path, body) => fetch(path, { method: 'POST', body: JSON.stringify(body) });
worker.onerror = ({ message }) => post('/done', { failed: message ?? 'the worker does not start' });
worker.onmessage = ({ data }) => (data.done ? post('/done', data.done) : post('/case', data));
const { cases } = await (await fetch('/cases')).json();
worker.postMessage(cases);
