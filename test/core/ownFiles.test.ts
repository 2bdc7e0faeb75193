import { expect, test } from 'vitest';
import { isOwnFile } from '../../src/core/ownFiles.ts';

test.each([
  { name: 'nextmv-result.json', is: true },
  { name: 'nextmv-problem.json', is: true },
  { name: 'nextmv-output.json', is: true },
  { name: 'nextmv-output.txt', is: true },
  { name: 'nextmv-output.tar.gz', is: true },
  { name: '.nextmv-result.json.runtrackd-tmp', is: true },
  { name: '.nextmv-output.tar.gz.runtrackd-tmp', is: true },
  { name: '.monday.runtrackd-tmp', is: true },
  { name: 'nextmv-output', is: false },
  { name: 'nextmv-output-2.json', is: false },
  { name: 'nextmv-outputs', is: false },
  { name: 'notes.runtrackd-tmp', is: false },
  { name: 'output.json', is: false },
  { name: 'result.json', is: false },
])('$name is a file of our own: $is', ({ name, is }) => {
  expect(isOwnFile(name)).toBe(is);
});
