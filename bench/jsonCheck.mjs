/**
 * One way of reading a JSON file, once, in this process, so that memory is that of one (measures/json.mjs).
 *
 *   node bench/jsonCheck.mjs check|sha256|parse FILE [--turns]
 *
 * Prints ms, the memory that came on top, and with `--turns` the longest turn of the loop.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { readArtefact } from '../dist/reading/artefact.js';
import { markOf, OpenFolder } from '../dist/system/files.js';
import { watchTurns } from './turns.mjs';

const ways = {
  /** As a folder is read. */
  check: async (path) => {
    const folder = await OpenFolder.open(join(path, '..'));
    const file = await folder.openFile('document.json');
    const mark = markOf(await file.stat({ bigint: true }));
    await file.close();
    await readArtefact(folder, { role: 'output', name: 'document.json', mark }, 'json', 1_000);
    await folder.close();
  },
  sha256: async (path) => {
    const file = await open(path);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
    }
    hash.digest('hex');
    await file.close();
  },
  parse: (path) => Promise.resolve(JSON.parse(readFileSync(path, 'utf8'))),
};

/** What the kernel says of this program. What `getrusage` says begins with the peak of whoever has started it. */
function peakKiB() {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

/** One way, once, in this process. */
async function measure(way, path) {
  const idleKiB = peakKiB();
  const turns = process.argv[4] === '--turns' ? watchTurns() : null;
  const beganMs = performance.now();
  await ways[way](path);
  const ms = performance.now() - beganMs;
  const memoryMiB = (peakKiB() - idleKiB) / 1024;
  return { ms, memoryMiB, stallMs: turns?.() ?? null };
}

const [way, file] = process.argv.slice(2);
console.log(JSON.stringify(await measure(way, file)));
