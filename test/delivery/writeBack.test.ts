/** After a run is tracked: its result finds its way, also when its folder does not take it or the platform lost it. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { lastsTooLongMs } from '../../src/core/lasting.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { plan, resultIn } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test, type Bench } from './bench.ts';

test('the result of a folder that vanished after it was sent is kept in the state directory', async ({
  bench,
}) => {
  bench.standIn.faults.finalAfterMs = minuteMs;
  const run = await bench.track('plan');
  bench.start();
  await bench.reaches(run, 'tracked');
  rmSync(join(bench.dir, 'plan'), { recursive: true });
  bench.letPass(2 * minuteMs);
  const { warnings, fingerprint } = await bench.reaches(run, 'recorded');
  const kept = join(bench.dir, 'results', `run-${run}`);
  expect(resultIn(kept)?.runtrackd['fingerprint']).toBe(fingerprint);
  expect(warnings.join()).toContain(kept);
});

test('a folder that is moved while it is being opened gets its result where it lies then', async ({
  bench,
}) => {
  const files = plan('plan');
  const run = await bench.track('plan', files);
  const { resultPlace } = bench.outbox;
  let asked = 0;
  Object.assign(bench.outbox, {
    resultPlace: async (...hand: Parameters<typeof resultPlace>) => {
      const place = await resultPlace(...hand);
      asked += 1;
      if (asked === 1) {
        renameSync(join(bench.dir, 'plan'), join(bench.dir, 'moved'));
        expect(await bench.track('moved', files)).toBe(run);
      }
      return place;
    },
  });
  bench.start();
  const { warnings } = await bench.reaches(run, 'recorded');
  expect(warnings).toEqual([]);
  expect(resultIn(join(bench.dir, 'moved'))).not.toBeNull();
  expect(existsSync(join(bench.dir, 'results'))).toBe(false);
});

describe('a result that lies aside comes into its folder', () => {
  /** Its folder is as it was, and the run is recorded; so nothing but a person's word, or a scan, brings it back. */
  const aside = async (bench: Bench, spoil: () => void): Promise<number> => {
    bench.standIn.faults.finalAfterMs = minuteMs;
    const run = await bench.track('plan');
    bench.start();
    await bench.reaches(run, 'tracked');
    spoil();
    bench.letPass(2 * minuteMs);
    await bench.reaches(run, 'recorded');
    expect(existsSync(join(bench.dir, 'results', `run-${run}`))).toBe(true);
    return run;
  };

  test('when a person has the folder tracked', async ({ bench }) => {
    const away = join(bench.dir, 'away');
    const run = await aside(bench, () => renameSync(join(bench.dir, 'plan'), away));
    renameSync(away, join(bench.dir, 'plan'));
    expect(await bench.track('plan')).toBe(run);
    await until('the result', () => resultIn(join(bench.dir, 'plan')));
  });

  test('by a fresh look where it was away, the first time at once', async ({ bench }) => {
    const away = join(bench.dir, 'away');
    const run = await aside(bench, () => renameSync(join(bench.dir, 'plan'), away));
    const { key, path } = await bench.run(run);
    const unsettled = () => bench.outbox.unsettled(key.dropRoot, '', 10);
    expect(await unsettled()).toEqual([path]);
    const [known] = await bench.outbox.folders(key.dropRoot, [path]);
    if (known === undefined) throw new Error('a tracked folder is known');
    await bench.outbox.saveFolder({ ...known, signature: 'as it was' });
    const chance = { nowMs: bench.clock.nowMs(), random: 0, policy: bench.policy };
    await bench.outbox.apply(run, { kind: 'resultLost' }, chance);
    bench.delivery.wake();
    await bench.reaches(run, 'recorded');
    expect(await unsettled()).toEqual([]);
  });

  test('not by a look at once where it did not take the result', async ({ bench }) => {
    const inTheWay = join(bench.dir, 'plan', '.nextmv-result.json.runtrackd-tmp');
    const run = await aside(bench, () => mkdirSync(inTheWay));
    const { key, path } = await bench.run(run);
    expect(await bench.outbox.unsettled(key.dropRoot, '', 10)).toEqual([]);
    const hourMs = 60 * minuteMs;
    const due = (nowMs: number) => bench.outbox.takeAside(key.dropRoot, hourMs, nowMs, 10);
    const nowMs = bench.clock.nowMs();
    expect(await due(nowMs)).toEqual([]);
    expect(await due(nowMs + hourMs)).toEqual([path]);
    expect(await due(nowMs + hourMs)).toEqual([]);
    // That clock was ahead, and is put right.
    expect(await due(nowMs)).toEqual([path]);
  });
});

describe('while results can be written nowhere', () => {
  /** Runs whose folders have gone, so that their results belong into the state directory. */
  const homeless = async (bench: Bench, count: number): Promise<number[]> => {
    bench.standIn.faults.finalAfterMs = minuteMs;
    const names = Array.from({ length: count }, (_, n) => `gone-${n}`);
    const runs = await Promise.all(names.map((name) => bench.track(name)));
    bench.start();
    for (const run of runs) await bench.reaches(run, 'tracked');
    for (const name of names) rmSync(join(bench.dir, name), { recursive: true });
    bench.standIn.faults.finalAfterMs = 0;
    return runs;
  };
  const closed = (bench: Bench): string => join(bench.dir, 'results');

  test('those that need the state directory wait, at no try, and everybody else goes on', async ({
    bench,
  }) => {
    writeFileSync(closed(bench), 'a file where a directory is due');
    const runs = await homeless(bench, 8);
    bench.letPass(2 * minuteMs);
    for (const run of runs) await bench.reaches(run, 'final');
    const pause = await until('results to wait', () => bench.delivery.results.pause());
    expect(pause.failure).toMatchObject({ class: 'no-place-for-result', reach: 'results' });
    expect(pause.failure.text).toMatch(
      /^the result of \S+ can be written nowhere: its folder cannot be opened any more \(ENOENT\), and \S+ cannot be written \((EEXIST|ENOTDIR)\)$/,
    );
    for (let n = 0; n < 3; n += 1) {
      bench.letPass(10 * minuteMs);
      await bench.reaches(await bench.track(`fine-${n}`), 'recorded');
    }
    expect(bench.delivery.results.pause()).not.toBeNull();
    expect(bench.delivery.gate.platformPause()).toBeNull();
    expect(bench.delivery.gate.appPauses()).toEqual([]);
    for (const run of runs)
      expect((await bench.run(run)).life).toMatchObject({ state: { kind: 'final' }, tries: 0 });

    rmSync(closed(bench));
    for (const run of runs)
      await until(`run ${run} to be recorded`, async () => {
        bench.letPass(minuteMs);
        return (await bench.run(run)).life.state.kind === 'recorded';
      });
    expect(bench.delivery.results.pause()).toBeNull();
    expect(bench.creates).toBe(runs.length + 3);
  });

  test('one of them at a time tries: the platform is not asked for all of them again and again', async ({
    bench,
  }) => {
    writeFileSync(closed(bench), 'a file where a directory is due');
    const runs = await homeless(bench, 30);
    bench.letPass(2 * minuteMs);
    await until('every run to have tried once', () =>
      runs.every((run) => bench.delivery.results.hasFailed(run)),
    );
    await until('what was in hand to be put down', () => bench.delivery.inHand() === 0);
    let fetched = 0;
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'run' && phase === 'received') fetched += 1;
    };
    const pauses = new Set<number>();
    await until('three pauses to have ended in vain', () => {
      pauses.add(bench.delivery.results.pause()?.untilMs ?? 0);
      return pauses.size > 3;
    });
    expect(fetched).toBeLessThanOrEqual(pauses.size);
  });

  describe('for long', () => {
    test.override({ policy: { backoff: defaultPolicy.backoff } });

    test('two minutes after there is a place again all are written, however long that took', async ({
      bench,
    }) => {
      writeFileSync(closed(bench), 'a file where a directory is due');
      const runs = await homeless(bench, 3);
      const pauses = new Set<number>();
      await until('ten pauses to have ended in vain', () => {
        bench.letPass(minuteMs);
        pauses.add(bench.delivery.results.pause()?.untilMs ?? 0);
        return pauses.size > 10;
      });
      rmSync(closed(bench));
      bench.letPass(2 * minuteMs);
      for (const run of runs) await bench.reaches(run, 'recorded');
    });
  });

  test('a person who skips the last of them ends it', async ({ bench }) => {
    writeFileSync(closed(bench), 'a file where a directory is due');
    const [run = 0] = await homeless(bench, 1);
    bench.letPass(2 * minuteMs);
    await until('it to wait', () => bench.delivery.results.pause());
    const chance = { nowMs: bench.clock.nowMs(), random: 0, policy: bench.policy };
    await until('it to be skipped', async () => {
      const now = await bench.outbox.apply(run, { kind: 'skip' }, chance);
      return now !== null && now !== 'claimed';
    });
    bench.delivery.forget(run);
    expect(bench.delivery.results.pause()).toBeNull();
  });
});

test('a folder that is not the run’s own any more does not get its result', async ({ bench }) => {
  bench.standIn.faults.finalAfterMs = minuteMs;
  const run = await bench.track('plan');
  bench.start();
  const { key, path } = await bench.reaches(run, 'tracked');
  const [known] = await bench.outbox.folders(key.dropRoot, [path]);
  if (known === undefined) throw new Error('a tracked folder is known');
  await bench.outbox.saveFolder({ ...known, state: 'settling', run: null });
  bench.letPass(2 * minuteMs);
  await bench.reaches(run, 'recorded');
  expect(resultIn(join(bench.dir, 'plan'))).toBeNull();
  expect(resultIn(join(bench.dir, 'results', `run-${run}`))).not.toBeNull();
});

test('a run that the platform does not know any more is parked only when that has lasted', async ({
  bench,
}) => {
  bench.standIn.faults.finalAfterMs = 60 * minuteMs;
  const run = await bench.track('plan');
  bench.start();
  const { life } = await bench.reaches(run, 'tracked');
  const id = life.state.kind === 'tracked' ? life.state.runId : '';
  await bench.call('DELETE', `/runs/${id}`);
  let asked = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'run' && phase === 'done') asked += 1;
  };
  await until('the run to be asked for again', () => {
    bench.letPass(1_000);
    return asked >= 2;
  });
  expect((await bench.run(run)).life.state.kind).toBe('tracked');
  bench.letPass(21 * minuteMs);
  const parked = await bench.reaches(run, 'parked');
  expect(parked.life.state).toMatchObject({
    reason: { class: 'run-deleted' },
    from: { kind: 'tracked', runId: id },
  });
  expect(bench.creates).toBe(1);
});

test.for([
  { status: 404, is: 'run-deleted' },
  { status: 400, is: 'result-refused' },
  { status: 409, is: 'result-refused' },
])(
  'a result that is refused with $status for a while is no run given up, and parks only when it lasts',
  async ({ status, is }, { bench }) => {
    bench.start();
    bench.standIn.faults.always({ kind: 'run' }, { kind: 'answer', status });
    const run = await bench.track('plan');
    await bench.reaches(run, 'tracked');
    const refusals = async (): Promise<number> => {
      const { life } = await bench.run(run);
      return life.state.kind === 'tracked' ? life.state.polls : Infinity;
    };
    await until('it to have been asked for often', async () => {
      bench.letPass(1_000);
      return (await refusals()) > bench.policy.runTriesMax + 1;
    });
    expect((await bench.run(run)).life).toMatchObject({ state: { kind: 'tracked' }, tries: 0 });
    bench.letPass(21 * minuteMs);
    const { life } = await bench.reaches(run, 'parked');
    expect(life.state).toMatchObject({ reason: { class: is }, from: { kind: 'tracked' } });
    bench.calm();
    await bench.retry(run);
    await bench.reaches(run, 'recorded');
    expect(await bench.copiesOf(run)).toBe(1);
  },
);

test('an output that storage does not give back keeps its run alone, which asks for a person after an hour', async ({
  bench,
}) => {
  bench.start();
  bench.standIn.faults.always({ kind: 'download' }, { kind: 'answer', status: 404 });
  let asked = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'download' && phase === 'received') asked += 1;
  };
  const { 'output.json': output, ...rest } = plan('plan');
  const run = await bench.track('plan', { ...rest, 'output.txt': JSON.stringify(output) });
  await until('it to have been asked for often', () => {
    bench.letPass(1_000);
    return asked > bench.policy.runTriesMax + 1;
  });
  expect(bench.delivery.storage.pause()).toBeNull();
  expect((await bench.run(run)).life).toMatchObject({ state: { kind: 'final' }, tries: 0 });
  bench.letPass(61 * minuteMs);
  const nowMs = bench.clock.nowMs();
  expect(await bench.outbox.lasting('final', nowMs - lastsTooLongMs.final, 9)).toMatchObject([{ run }]);
  bench.calm();
  await bench.reaches(run, 'recorded');
});

test('an output of more than a mebibyte is compared, and not put into the result', async ({ bench }) => {
  const big = { solution: { text: 'x'.repeat(1_200_000) } };
  const run = await bench.track('big', {
    'input.json': {},
    'output.json': big,
    'meta.json': { status: 'succeeded' },
  });
  bench.start();
  await bench.reaches(run, 'recorded');
  const result = resultIn(join(bench.dir, 'big'));
  expect(result).not.toHaveProperty('output');
  expect(result?.runtrackd).toMatchObject({ output_file: 'output.json', output_verified: true });
  expect(readFileSync(join(bench.dir, 'big', 'nextmv-result.json'), 'utf8')).not.toContain('signature');
  expect(existsSync(join(bench.dir, 'big', 'nextmv-output.json'))).toBe(false);
});

test('a large output that comes back byte for byte is known by its digest: the folder is not read for it', async ({
  bench,
}) => {
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'create' && phase === 'done') writeFileSync(join(bench.dir, 'big', 'output.json'), '{}');
  };
  const run = await bench.track('big', {
    'input.json': {},
    'output.json': { solution: { text: 'x'.repeat(1_200_000) } },
    'meta.json': { status: 'succeeded' },
  });
  bench.start();
  await bench.reaches(run, 'recorded');
  expect(resultIn(join(bench.dir, 'big'))?.runtrackd).toMatchObject({ output_verified: true, warnings: [] });
});

describe('a large output that does not come back byte for byte', () => {
  const big = { solution: { text: 'é'.repeat(700_000), values: [1, 2.5] } };
  const files = {
    'input.json': {},
    'output.json': JSON.stringify(big, null, 9),
    'meta.json': { status: 'succeeded' },
  };
  /** What the platform keeps is replaced before it is asked for. */
  const kept = async (bench: Bench, text: string): Promise<unknown> => {
    bench.onRequest = ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'done') return;
      const uploads = join(bench.dir, 'platform', 'uploads');
      for (const name of readdirSync(uploads).filter((file) => statSync(join(uploads, file)).size > 1e6))
        writeFileSync(join(uploads, name), padded(text, statSync(join(uploads, name)).size));
    };
    const run = await bench.track('big', files);
    bench.start();
    await bench.reaches(run, 'recorded');
    const warnings = (await bench.run(run)).warnings;
    return { ...resultIn(join(bench.dir, 'big'))?.runtrackd, warnings };
  };

  test('is the same where it only is written in another way', async ({ bench }) => {
    const { solution } = big;
    const text = `{ "solution": { "text": "${solution.text}", "values":[1.0,25e-1] }}`;
    expect(await kept(bench, text)).toMatchObject({
      output_verified: true,
      warnings: [],
    });
    expect((await bench.outbox.counts()).differing).toBe(0);
  });

  test('is asked for by a fresh address the second time: the first one may have died meanwhile', async ({
    bench,
  }) => {
    const { solution } = big;
    let downloads = 0;
    const recorded = kept(bench, JSON.stringify({ solution }));
    const { onRequest } = bench;
    bench.onRequest = async (seen) => {
      await onRequest?.(seen);
      if (seen.kind !== 'download' || seen.phase !== 'done') return;
      downloads += 1;
      if (downloads === 1) bench.letPass(16 * minuteMs);
    };
    expect(await recorded).toMatchObject({ output_verified: true, warnings: [] });
    expect(downloads).toBe(2);
  });

  test('is different where it says something else', async ({ bench }) => {
    expect(await kept(bench, '{"solution":{}}')).toMatchObject({
      output_verified: false,
      warnings: [expect.stringContaining('different from what was sent')],
    });
    expect((await bench.outbox.counts()).differing).toBe(1);
  });
});

/** A host that says the same whatever it is asked. @returns its address, and how often it was asked */
async function hostOf(text: string): Promise<{ readonly url: string; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}/page?signature=secret`, asked: () => asked };
}

describe('an output that looks like an address', () => {
  test('is written as it is and not followed, because it was not asked for by URL', async ({ bench }) => {
    const host = await hostOf('what only this network sees');
    const output = { url: host.url };
    const run = await bench.track('plan', { ...plan('plan'), 'output.json': output });
    bench.start();
    await bench.reaches(run, 'recorded');
    expect(host.asked()).toBe(0);
    const result = resultIn(join(bench.dir, 'plan'));
    expect(result?.output).toEqual(output);
    expect(result?.runtrackd).toMatchObject({ output_verified: true, warnings: [] });
    expect(existsSync(join(bench.dir, 'plan', 'nextmv-output.json'))).toBe(false);
  });

  test('pauses nothing where no platform would name such an address', async ({ bench }) => {
    const output = { url: 's3://bucket/key' };
    const run = await bench.track('plan', { ...plan('plan'), 'output.json': output });
    bench.start();
    await bench.reaches(run, 'recorded');
    expect(resultIn(join(bench.dir, 'plan'))?.output).toEqual(output);
    expect(bench.delivery.gate.platformPause()).toBeNull();
  });

  test('and was asked for by URL is one, and no word of it is written, whatever else stands beside it', async ({
    bench,
  }) => {
    const large = { solution: { text: 'x'.repeat(1_200_000) } };
    const host = await hostOf(JSON.stringify(large));
    const address = JSON.stringify({ url: host.url, expires_at: '2026-01-01T00:00:00Z' });
    const body = `{"id":"run-1","metadata":{"status_v2":"succeeded","big":9007199254740993},"output":${address}}`;
    bench.standIn.faults.always({ kind: 'run' }, { kind: 'answer', status: 200, body });
    const run = await bench.track('big', { ...plan('big'), 'output.json': large });
    bench.start();
    await bench.reaches(run, 'recorded');
    expect(host.asked()).toBe(1);
    expect(resultIn(join(bench.dir, 'big'))?.runtrackd).toMatchObject({
      output_verified: true,
      output_file: 'output.json',
      warnings: [],
    });
    const written = readFileSync(join(bench.dir, 'big', 'nextmv-result.json'), 'utf8');
    expect(written).not.toContain('signature');
    expect(written).toContain('9007199254740993');
  });
});

test('an output is fetched to be kept only when there is a file to write it to', async ({ bench }) => {
  bench.standIn.faults.outputAltered = true;
  let downloads = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'download' && phase === 'received') downloads += 1;
  };
  const { 'output.json': output, ...rest } = plan('plan');
  const run = await bench.track('plan', { ...rest, 'output.txt': JSON.stringify(output) });
  // What is written first, under a name for the moment, finds no room.
  mkdirSync(join(bench.dir, 'plan', '.nextmv-output.txt.runtrackd-tmp'));
  bench.start();
  const { warnings } = await bench.reaches(run, 'recorded');
  expect(warnings.join()).toMatch(/the folder cannot be written/);
  const kept = join(bench.dir, 'results', `run-${run}`);
  expect(readdirSync(kept).sort()).toEqual(['nextmv-output.txt', 'nextmv-result.json']);
  // To be compared, and to be kept in the state directory.
  expect(downloads).toBe(2);
});

describe('what an answer says of the output that was sent', () => {
  const succeeded = plan('plan');
  const failed = { ...succeeded, 'meta.json': { status: 'failed', error: 'code 3' } };
  const text = { 'input.json': {}, 'output.txt': 'x = 1', 'meta.json': succeeded['meta.json'] };
  const large = { solution: { text: 'x'.repeat(1_200_000) } };
  const written = JSON.stringify(JSON.stringify(large, null, 1));
  const exact = { ...succeeded, 'output.json': '{"id":9007199254740993,"share":-0.0,"gap":1.0}' };
  const same = [true, '', 0];
  const different = [false, 'the output came back different from what was sent', 1];
  const lost = [false, 'the output came back different from what was sent: nothing came back', 1];
  const nothingToSay = [null, '', 0];

  test.for([
    { name: 'no output', files: succeeded, members: '', said: lost },
    { name: 'null', files: succeeded, members: '"output":null', said: lost },
    { name: 'no large one', files: { ...succeeded, 'output.json': large }, members: '', said: lost },
    { name: 'no text', files: text, members: '"output":null', said: lost },
    {
      name: 'no text of a failed run',
      files: failed,
      status: 'failed',
      members: '"error_log":{}',
      said: lost,
    },
    {
      name: 'the text of a large one of a failed run, written in another way',
      files: { ...failed, 'output.json': large },
      status: 'failed',
      members: `"error_log":{"stdout":${written}}`,
      said: same,
    },
    {
      name: 'another text for a large one of a failed run',
      files: { ...failed, 'output.json': large },
      status: 'failed',
      members: '"error_log":{"stdout":"{}"}',
      said: different,
    },
    {
      name: 'a large one itself, though its address was asked for',
      files: { ...succeeded, 'output.json': large },
      members: `"output":${JSON.stringify(large)}`,
      said: [null, expect.stringContaining('was not compared'), 0],
    },
    {
      name: 'numbers written in another way',
      files: exact,
      members: '"output":{"share":0,"gap":1,"id":9007199254740993}',
      said: same,
    },
    {
      name: 'another last digit of a number that no double holds',
      files: { ...succeeded, 'output.json': '{"id":9007199254740993}' },
      members: '"output":{"id":9007199254740992}',
      said: different,
    },
    {
      name: 'nothing, because the run was canceled',
      files: succeeded,
      status: 'canceled',
      said: nothingToSay,
    },
    {
      name: 'nothing of an output that says nothing',
      files: { ...succeeded, 'output.json': ' {}' },
      said: nothingToSay,
    },
    {
      name: 'nothing of a failed run that had none',
      files: { 'input.json': {}, 'meta.json': failed['meta.json'] },
      status: 'failed',
      said: nothingToSay,
    },
  ])('$name', async ({ files, status = 'succeeded', members = '', said }, { bench }) => {
    const body = `{"id":"run-1","metadata":{"status_v2":"${status}"}${members === '' ? '' : `,${members}`}}`;
    bench.standIn.faults.always({ kind: 'run' }, { kind: 'answer', status: 200, body });
    const run = await bench.track('plan', files);
    bench.start();
    const { warnings, outputSame } = await bench.reaches(run, 'recorded');
    const verified = resultIn(join(bench.dir, 'plan'))?.runtrackd['output_verified'];
    expect([verified, warnings.join(), (await bench.outbox.counts()).differing]).toEqual(said);
    expect(outputSame).toBe(verified);
  });

  test('nothing, where it was too large and only its metadata was asked for', async ({ bench }) => {
    bench.standIn.faults.always(
      { kind: 'run' },
      { kind: 'answer', status: 200, body: JSON.stringify({ padding: 'x'.repeat(17 * 1024 * 1024) }) },
    );
    const run = await bench.track('plan');
    bench.start();
    const { warnings, outputSame } = await bench.reaches(run, 'recorded');
    expect(warnings).toEqual([expect.stringContaining('only its metadata')]);
    expect(outputSame).toBeNull();
  });
});

test('nothing but the result is left in the run folder', async ({ bench }) => {
  const run = await bench.track('plan');
  bench.start();
  await bench.reaches(run, 'recorded');
  expect(readdirSync(join(bench.dir, 'plan')).sort()).toEqual([
    'input.json',
    'meta.json',
    'nextmv-result.json',
    'output.json',
  ]);
});

function padded(text: string, bytes: number): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc(bytes - Buffer.byteLength(text), ' ')]);
}
