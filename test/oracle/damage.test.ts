/** Twenty-four damages to the outbox, at rest and under the daemon, of every kind. `npm run bench:damage` does five hundred. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { damage, impatientProgram, playRound } from '../../bench/oracle/index.mjs';

const seed = 3;
const damagesPerRound = 12;
/** Each damage may take half a minute to be decided; all of them together take about one. */
const roundMsMax = 300_000;

let dir = '';
let mainFile = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rt-d-'));
  mainFile = await impatientProgram(join(dir, 'program'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.concurrent.each([0, 1])(
  `round %i of ${damagesPerRound} damages: each time it runs or ends with a known code, and nothing is doubled`,
  { timeout: roundMsMax },
  async (place) => {
    const round = { name: `damage ${place}`, place, play: damagePlay };
    const { broken, counts } = await playRound(round, seed, dir, mainFile);
    expect(broken, JSON.stringify({ seed, counts })).toEqual([]);
  },
);

const damagePlay: Parameters<typeof playRound>[0]['play'] = (stage, chance) =>
  damage(stage, chance, damagesPerRound);
