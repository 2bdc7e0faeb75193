/** Runs of several files, from a folder to the platform and back. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { resultIn } from '../journey/folders.ts';
import { test, type Bench } from './bench.ts';

const files = {
  'input/a.csv': 'id,x\n1,2\n',
  'input/sub/b.json': '{}',
  'input/empty': '',
  'output/sol.csv': 'a,b\n',
  // No drive, and no host.
  'output/T:1.csv': '1',
  'output/\\\\host\\share': '2',
  'output/deep/er/bin.dat': Buffer.from(Array.from(Array(256).keys())),
  'metrics.json': { result: { value: 27 } },
  'statistics.json': { run: { duration: 1 } },
  'assets.json': [{ name: 'P', content: { x: 1 }, content_type: 'json' }],
  'meta.json': { status: 'succeeded', duration: 1 },
};

/** What the platform keeps of uploads that are archives, in whatever order. */
function keptArchives(bench: Bench): string[] {
  const uploads = join(bench.dir, 'platform', 'uploads');
  return readdirSync(uploads)
    .map((name) => join(uploads, name))
    .filter(
      (path) => statSync(path).isFile() && readFileSync(path).subarray(0, 2).toString('hex') === '1f8b',
    );
}

test('a run of directories is recorded as such, and comes back as what it was', async ({ bench }) => {
  const run = await bench.track('plan', files);
  bench.start();
  const { content, warnings } = await bench.reaches(run, 'recorded');
  const result = resultIn(join(bench.dir, 'plan'));
  expect(result?.metadata).toMatchObject({
    format: { input: { type: 'multi-file' }, output: { type: 'multi-file' } },
    metrics: { result: { value: 27 } },
    statistics: { run: { duration: 1 } },
  });
  expect(result).not.toHaveProperty('output');
  expect(result?.runtrackd).toMatchObject({
    output_verified: true,
    output_file: 'output',
    files: { input: 'input/', output: 'output/', metrics: 'metrics.json' },
  });
  expect(warnings).toEqual([]);
  expect((await bench.call('GET', `/runs/${result?.id}/assets`)) as object).toMatchObject({
    items: [{ name: 'P' }],
  });
  expect(keptArchives(bench)).toHaveLength(2);
  expect(JSON.stringify(content)).not.toContain('sol.csv');
  expect(readdirSync(join(bench.dir, 'spool'))).toEqual([]);
});

test('a failed run of directories needs no output, and what it has is sent', async ({ bench }) => {
  const input = Object.entries(files).filter(([name]) => !name.startsWith('output/'));
  const failed = { ...Object.fromEntries(input), 'meta.json': { status: 'failed', error: 'code 3' } };
  const without = await bench.track('without', failed);
  mkdirSync(join(bench.dir, 'without', 'output'));
  const withSome = await bench.track('with', { ...failed, 'output/part.csv': '1' });
  bench.start();
  await bench.reaches(without, 'recorded');
  await bench.reaches(withSome, 'recorded');
  for (const name of ['without', 'with']) {
    const result = resultIn(join(bench.dir, name));
    expect(result?.metadata['status_v2']).toBe('failed');
    expect(result?.runtrackd['warnings']).toEqual([]);
  }
  expect(resultIn(join(bench.dir, 'with'))?.metadata).toMatchObject({
    format: { output: { type: 'multi-file' } },
  });
});

test.for([
  { name: 'files in, JSON out', input: 'multi-file', output: 'json' },
  { name: 'JSON in, files out', input: 'json', output: 'multi-file' },
  { name: 'text in, files out', input: 'text', output: 'multi-file' },
])('$name', async ({ input, output }, { bench }) => {
  const inputs: Record<string, object> = {
    'multi-file': { 'input/a.csv': '1' },
    json: { 'input.json': {} },
    text: { 'input.txt': 'MAX x' },
  };
  const outputs: Record<string, object> = {
    'multi-file': { 'output/a.csv': '1' },
    json: { 'output.json': { solution: 1 } },
  };
  const run = await bench.track('plan', {
    ...inputs[input],
    ...outputs[output],
    'meta.json': files['meta.json'],
  });
  bench.start();
  await bench.reaches(run, 'recorded');
  const result = resultIn(join(bench.dir, 'plan'));
  expect(result?.metadata['format']).toEqual({ input: { type: input }, output: { type: output } });
  expect(result?.runtrackd['output_verified']).toBe(true);
});

describe('an archive that does not come back as it was', () => {
  test('lies beside the result, is said, and is counted', async ({ bench }) => {
    const other = gzipSync(Buffer.alloc(1024));
    bench.onRequest = ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'done') return;
      for (const path of keptArchives(bench)) {
        const { size } = statSync(path);
        // Of the same length, because the platform knows how long it is.
        writeFileSync(path, Buffer.concat([other, Buffer.alloc(Math.max(0, size - other.length))]));
      }
    };
    const run = await bench.track('plan', files);
    bench.start();
    const { warnings } = await bench.reaches(run, 'recorded');
    expect(warnings.join()).toContain('different from what was sent');
    expect(resultIn(join(bench.dir, 'plan'))?.runtrackd).toMatchObject({
      output_verified: false,
      output_file: 'nextmv-output.tar.gz',
    });
    expect(existsSync(join(bench.dir, 'plan', 'nextmv-output.tar.gz'))).toBe(true);
    expect((await bench.outbox.counts()).differing).toBe(1);
  });
});

test('nothing of a directory is sent that is not what it was', async ({ bench }) => {
  const run = await bench.track('plan', files);
  writeFileSync(join(bench.dir, 'plan', 'input', 'a.csv'), 'id,x\n1,3\n');
  chmodSync(join(bench.dir, 'plan', 'input', 'a.csv'), 0o600);
  bench.start();
  const parked = await bench.reaches(run, 'parked');
  expect(parked.life.state).toMatchObject({
    reason: { class: 'source-changed', text: expect.stringContaining('input/ has changed') as string },
  });
  expect(bench.creates).toBe(0);
});
