/** What V8's profiler wrote of a program's main thread: in which functions its time was, and who called them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
/** What the profiler says where nothing runs. */
export const idle = '(idle)';

/** The main thread has the number 0; whichever others there are have profiles of their own. */
export function mainProfile(dir) {
  const name = readdirSync(dir).find((file) => /\.0\.\d+\.cpuprofile$/.test(file));
  return JSON.parse(readFileSync(join(dir, name), 'utf8'));
}

/** @returns ms that the samples fell into each function itself, by its name and place */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  for (const [index, id] of samples.entries()) {
    const place = placeOf(frames.get(id));
    times.set(place, (times.get(place) ?? 0) + timeDeltas[index] / 1_000);
  }
  return times;
}

/** @returns `{name, ms, calls}` of the root, without what is idle: each with all that it called, by name; in ms */
export function callTree({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const own = new Map();
  for (const [index, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + timeDeltas[index] / 1_000);
  const add = (into, node) => {
    const ms = own.get(node.id) ?? 0;
    let all = ms;
    for (const child of node.children ?? []) {
      const called = byId.get(child);
      const name = placeOf(called.callFrame);
      if (name === idle) continue;
      // Two ways to the same function from the same caller are one.
      const known = into.calls.get(name) ?? { name, ms: 0, calls: new Map() };
      into.calls.set(name, known);
      all += add(known, called);
    }
    into.ms += all;
    return all;
  };
  const root = { name: '(root)', ms: 0, calls: new Map() };
  add(root, nodes[0]);
  return root;
}

function placeOf({ functionName, url, lineNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.startsWith('file://') ? relativeIn(fileURLToPath(url)) : relativeIn(url);
  return `${name} ${file}:${lineNumber + 1}`;
}

const relativeIn = (path) => (path.startsWith(project) ? relative(project, path) : path);
