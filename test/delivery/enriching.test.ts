/** What is added to a run from its log: it reaches the platform, comes back verified, and the folder stays as it was. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { enrichments } from '../../src/core/enrichment.ts';
import { plan, resultIn } from '../journey/folders.ts';
import { minuteMs, test, type Bench } from './bench.ts';

const log = readFileSync(new URL('../solverlog/logs/highs-time-feasible/run.log', import.meta.url), 'utf8');
const solver = { name: 'highs', status: 'feasible', limit: 'time' };

async function recorded(bench: Bench, files: Readonly<Record<string, unknown>>) {
  const run = await bench.track('plan', { ...files, 'run.log': log }, { enrich: enrichments });
  bench.start();
  const { sent, warnings } = await bench.reaches(run, 'recorded');
  const result = resultIn(join(bench.dir, 'plan'));
  if (result === null) throw new Error('a recorded run has a result');
  return { result, sent, warnings };
}

/** All that the platform was given. */
function uploadsOf(bench: Bench): string[] {
  const uploads = join(bench.dir, 'platform', 'uploads');
  return readdirSync(uploads)
    .map((name) => join(uploads, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'));
}

test('a document gains members on the platform, and the file on disk does not', async ({ bench }) => {
  const { result, sent, warnings } = await recorded(bench, plan('plan'));
  expect(warnings).toEqual([]);
  expect(result.metadata).toMatchObject({ metrics: { solver }, statistics: { schema: 'v1' } });
  expect(result.output).toMatchObject({ solution: { sample: 'plan' }, metrics: { solver } });
  expect(result.runtrackd).toMatchObject({
    output_verified: true,
    enriched: ['metrics', 'statistics', 'assets'],
    output_sent: sent,
  });
  expect(await bench.call('GET', `/runs/${result.id}/assets`)).toMatchObject({
    items: [{ name: 'Convergence', visual: { schema: 'chartjs' } }],
  });
  expect(readFileSync(join(bench.dir, 'plan', 'output.json'), 'utf8')).toBe('{"solution":{"sample":"plan"}}');
});

test('a document too large to be held is verified by the digest of what was sent', async ({ bench }) => {
  const text = JSON.stringify({ solution: 'x'.repeat(2 * 1024 * 1024) });
  const { result, sent } = await recorded(bench, { ...plan('plan'), 'output.json': text });
  expect(result.runtrackd).toMatchObject({
    output_verified: true,
    output_file: 'output.json',
    enriched: ['metrics', 'statistics', 'assets'],
  });
  expect(sent?.bytes).toBeGreaterThan(text.length);
  // It begins as the file does, and the file's own digest is not what was sent.
  expect(sent?.sha256).not.toBe(createHash('sha256').update(text).digest('hex'));
});

test('beside directories they are artefacts of their own', async ({ bench }) => {
  const { result, sent } = await recorded(bench, {
    'input/a.csv': 'id\n1\n',
    'output/sol.csv': 'a\n',
    'statistics.json': { run: { duration: 1 } },
    'meta.json': { status: 'succeeded', duration: 1 },
  });
  expect(sent).toBeNull();
  expect(result.metadata).toMatchObject({ metrics: { solver }, statistics: { run: { duration: 1 } } });
  expect(result.runtrackd).toMatchObject({ output_verified: true, enriched: ['metrics', 'assets'] });
});

test('uploads that are made again are the same to the last byte', async ({ bench }) => {
  // A run that is refused is made once more, with fresh uploads.
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 422, body: 'once' });
  const { result, sent } = await recorded(bench, plan('plan'));
  const digests = uploadsOf(bench).map((text) => createHash('sha256').update(text).digest('hex'));
  expect(digests.filter((digest) => digest === sent?.sha256)).toHaveLength(2);
  expect(result.runtrackd).toMatchObject({ output_verified: true, output_sent: sent });
});

/** What is added is made of facts that are in the row: with others, it is what another version would have made. */
function asAnotherVersionMadeIt(bench: Bench): void {
  // In a process of its own: closing a descriptor of the file would drop the outbox's locks.
  const script = `new (require('better-sqlite3'))(process.argv[1])
    .exec("update run set facts = json_set(facts, '$.version', 'another', '$.objective', 4711)")`;
  execFileSync(process.execPath, ['-e', script, join(bench.dir, 'state', 'outbox.db')]);
}

test.for([
  { name: 'before it is uploaded again', at: 'put', isAnew: true },
  { name: 'after it was uploaded', at: 'run', isAnew: false },
] as const)(
  'another version adds something else $name: what was sent last is on record, and what the solver wrote is compared',
  async ({ at, isAnew }, { bench }) => {
    const run = await bench.track('plan', { ...plan('plan'), 'run.log': log }, { enrich: enrichments });
    const isOther = new Promise<void>((resolve) => {
      bench.onRequest = ({ kind }) => {
        if (kind !== at) return;
        bench.onRequest = null;
        asAnotherVersionMadeIt(bench);
        resolve();
      };
    });
    bench.standIn.faults.next({ kind: at }, { kind: 'answer', status: 503, body: 'later' });
    bench.start();
    await isOther;
    // Long enough for uploads to die.
    bench.letPass(20 * minuteMs);
    const { sent, warnings } = await bench.reaches(run, 'recorded');
    const result = resultIn(join(bench.dir, 'plan'));
    expect(result?.output).toMatchObject({ solution: { sample: 'plan' }, metrics: { solver } });
    expect(JSON.stringify(result?.output).includes('4711')).toBe(isAnew);
    const uploaded = uploadsOf(bench).filter(
      (text) => createHash('sha256').update(text).digest('hex') === sent?.sha256,
    );
    expect(uploaded.map((text) => text.includes('4711'))).toEqual([isAnew]);
    expect(result?.runtrackd).toMatchObject({ output_verified: true, output_sent: sent });
    expect(warnings).toEqual([]);
  },
);
