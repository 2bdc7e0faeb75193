/**
 * A short cut of the oracle bench: a daemon that is killed and lied to, and six properties that hold all the same. The
 * whole of it are the commands in bench/oracle.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  impatientProgram,
  labelledKills,
  lists,
  playRound,
  poison,
  sources,
  storm,
  wire,
  type Play,
} from '../../bench/oracle/index.mjs';

const seed = 5;
/** Waits inside a round have bounds of their own, with words for what was waited for. */
const roundMsMax = 240_000;

let dir = '';
let mainFile = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rt-o-'));
  mainFile = await impatientProgram(join(dir, 'program'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const makingRuns: Play = (stage, chance) => wire(stage, chance, 'create', 'some');
const rounds: readonly { readonly name: string; readonly play: Play }[] = [
  {
    name: 'killed at points from the claim to the result',
    play: (stage, chance) =>
      labelledKills(stage, chance, 6, [
        'claimed',
        'putDone',
        'intended',
        'postAnswered',
        'tracked',
        'resultWritten',
      ]),
  },
  {
    name: 'killed while its request is carried out',
    play: (stage, chance) =>
      labelledKills(stage, chance, 4, ['postSent', 'request arrived', 'run stored', 'list asked for']),
  },
  {
    name: 'killed at any time while the network misbehaves',
    play: (stage, chance) => storm(stage, chance, 6),
  },
  { name: 'faults on making runs', play: makingRuns },
  { name: 'faults on uploading', play: (stage, chance) => wire(stage, chance, 'put', 'some') },
  {
    name: 'folders that change while they are uploaded',
    play: (stage, chance) => sources(stage, chance, 1, ['append', 'truncate', 'replace', 'forge', 'leave']),
  },
  {
    name: 'runs that are refused for good among others',
    play: (stage, chance) => poison(stage, chance, 60, 20),
  },
  {
    name: 'a list that loops, is bare, and comes in another order',
    play: (stage, chance) => lists(stage, chance, ['loops', 'is bare', 'lags, shuffled']),
  },
];

test.concurrent.each(rounds.map((round, place) => ({ ...round, place })))(
  '$name: nothing is lost, doubled, altered or invented, and all of it happened',
  { timeout: roundMsMax },
  async ({ name, place, play }) => {
    const { broken, counts } = await playRound({ name, place, play }, seed, dir, mainFile);
    expect(broken, JSON.stringify({ seed, counts })).toEqual([]);
  },
);

test.concurrent(
  'a daemon that sends again whenever no answer came is found out by its doubles',
  { timeout: roundMsMax },
  async () => {
    const blind = await impatientProgram(join(dir, 'blind'), [
      [
        'delivery/send.ts',
        "created.kind === 'unclear'",
        "created.kind === 'unclear' ? { kind: 'nothingMade', failure: created.failure } : false",
      ],
    ]);
    const round = { name: 'blind', place: rounds.length, play: makingRuns };
    const { broken } = await playRound(round, seed, dir, blind);
    expect(new Set(broken.map(({ property }) => property))).toEqual(new Set(['uniqueness']));
  },
);
