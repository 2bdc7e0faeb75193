/**
 * What one writes first for an input that is JSON: the file is read as a whole, parsed, made JSON again and sent. Prints the
 * seconds that this takes, without the start of the process.
 *
 *   node bench/beside/parseAndSend.mjs ENDPOINT FILE
 */
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

const [endpoint, file] = process.argv.slice(2);
const beganMs = performance.now();
const document = JSON.parse(await readFile(file, 'utf8'));
const answer = await fetch(`${endpoint}/storage/by-parse`, { method: 'PUT', body: JSON.stringify(document) });
await answer.text();
console.log(JSON.stringify((performance.now() - beganMs) / 1_000));
