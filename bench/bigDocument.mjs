/** A JSON document of any size as solvers write them: rows of small objects with names, numbers and texts. */
import { Buffer } from 'node:buffer';
import { closeSync, openSync, writeSync } from 'node:fs';

/** Rows are written in blocks, over and over: large ones, and enough of them to come near the size that is wanted. */
const blockBytesMax = 1e6;
const blocksMin = 50;

/** @returns how many bytes it has */
export function writeDocument(path, bytes) {
  const rows = [];
  const blockBytes = Math.min(blockBytesMax, bytes / blocksMin);
  for (let [stop, length] = [0, 0]; length < blockBytes; stop += 1) {
    rows.push(
      `{"id":"stop-${stop}","at":[${stop % 180}.${stop},-${stop % 90}.5e-1],"späte Lieferung":${stop % 7 === 0},"note":"line ${stop}\\n\\"quoted\\""}`,
    );
    length += rows.at(-1).length;
  }
  const block = Buffer.from(`${rows.join(',')},`);
  const file = openSync(path, 'w');
  let written = writeSync(file, '{"solution":[');
  while (written + block.length < bytes) written += writeSync(file, block);
  written += writeSync(file, 'null]}');
  closeSync(file);
  return written;
}
