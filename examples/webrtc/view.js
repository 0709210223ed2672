/** What the page shows of a call: plain functions from numbers to elements. */

const POINTS = 60;
const MOST_EVENTS = 100;

export const byId = (id) => document.getElementById(id);

export function badge(id, className, text) {
  byId(id).className = `badge ${className}`;
  byId(id).textContent = text;
}

export function count(value) {
  return Math.round(value).toLocaleString('en-US');
}

/** The newest event comes first. */
export function event(text, className = '') {
  const list = byId('events');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString('en-GB');
  const span = Object.assign(document.createElement('span'), { textContent: text, className });
  const item = document.createElement('li');
  item.append(time, span);
  if (list.querySelector('time') === null) list.replaceChildren();
  list.prepend(item);
  while (list.children.length > MOST_EVENTS) list.lastChild.remove();
}

/** Rates of the last minute as a line. */
export class Line {
  #values = [];
  #svg;
  #text;
  #arrow;

  constructor(name, arrow) {
    this.#svg = byId(`${name}-line`);
    this.#text = byId(`${name}-text`);
    this.#arrow = arrow;
  }

  add(perSecond) {
    this.#values.push(perSecond);
    if (this.#values.length > POINTS) this.#values.shift();
    const [start, most] = [POINTS - this.#values.length, Math.max(1, ...this.#values)];
    const points = this.#values.map((value, i) => `${start + i} ${(98 - (92 * value) / most).toFixed(1)}`);
    const [area, line] = this.#svg.querySelectorAll('path');
    line.setAttribute('d', `M${points.join('L')}`);
    area.setAttribute('d', `M${points.join('L')}L${POINTS - 1} 100L${start} 100Z`);
    this.#text.textContent = `${this.#arrow} ${count(perSecond)} frames/s`;
  }
}

/** Statuses with their counts. */
export function pills(statuses) {
  const pill = (className, textContent) => Object.assign(document.createElement('span'), { className, textContent });
  const items = [...statuses].map(([name, frames]) => pill('badge bad', `${name} ${count(frames)}`));
  byId('statuses').replaceChildren(...(items.length > 0 ? items : [pill('badge', 'no frame failed')]));
}

/** How a frame begins, before and after: what both have in common is in the clear. */
export function wire({ kind, plain, cipher }) {
  let clear = 0;
  while (clear < plain.head.length && plain.head[clear] === cipher.head[clear]) clear++;
  byId('plain-label').textContent = `a ${kind} frame, ${count(plain.bytes)} bytes`;
  byId('cipher-label').textContent = `sealed, ${count(cipher.bytes)} bytes`;
  byId('plain').replaceChildren(hex('i', plain.head.subarray(0, clear)), hex('span', plain.head.subarray(clear)));
  byId('cipher').replaceChildren(hex('i', cipher.head.subarray(0, clear)), hex('b', cipher.head.subarray(clear)));
}

function hex(tag, bytes) {
  const textContent = Array.from(bytes, (byte) => `${byte.toString(16).padStart(2, '0')} `).join('');
  return Object.assign(document.createElement(tag), { textContent });
}

/** The two fingerprints, and whether they are the same. */
export function prints({ sender, receiver }) {
  const className = sender === undefined || receiver === undefined ? '' : sender === receiver ? 'good' : 'bad';
  for (const [id, print] of [
    ['sender-print', sender],
    ['receiver-print', receiver],
  ]) {
    byId(id).textContent = print ?? '-';
    byId(id).className = `mono print ${className}`;
  }
  badge('sealing', '', sender ?? 'no key');
  badge('opening', className, receiver ?? 'no key');
}
