/** Eleven kinds of disk trouble, under the outbox and under run folders. `npm run bench:faults -- disks` does two hundred. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { disks, impatientProgram, playRound } from '../../bench/oracle/index.mjs';
import { isUnfailing } from '../journey/failingDisk.ts';

const seed = 5;
/** One of each. */
const faults = 11;

let dir = '';
let mainFile = '';
beforeAll(async () => {
  if (isUnfailing) return;
  dir = mkdtempSync(join(tmpdir(), 'rt-f-'));
  mainFile = await impatientProgram(join(dir, 'program'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.skipIf(isUnfailing)(
  'disks fail and are full: it goes on, waits, or ends with its code, and nothing is doubled',
  async () => {
    const play: Parameters<typeof playRound>[0]['play'] = (stage, chance) => disks(stage, chance, faults);
    const { broken, counts } = await playRound({ name: 'disks', place: 0, play }, seed, dir, mainFile);
    expect(broken, JSON.stringify({ seed, counts })).toEqual([]);
  },
);
