/** A call that is given up says why in the caller’s own words, and leaves nothing running. */
import { execFile } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { trackFolder, type SignalOption } from '../../src/index.ts';
import type { RequestKind } from '../../src/standin/requestKind.ts';
import { until } from '../journey/waiting.ts';
import {
  app,
  begun,
  directoryWith,
  failure,
  fileWith,
  key,
  openFiles,
  rejection,
  temporaryFolder,
  type Place,
} from './place.ts';

const reason = new Error('the user closed the window');
const run = { status: 'succeeded', input: { a: 1 }, output: 'x'.repeat(200_000) } as const;

/** Aborts when the first request of this kind is there, which is then never answered. */
function abortAt(place: Place, kind: RequestKind): AbortSignal {
  const giveUp = new AbortController();
  const { faults } = place.standIn;
  const listen = faults.onRequest;
  faults.next({ kind }, { kind: 'hang', carriedOut: false });
  faults.onRequest = (seen) => {
    if (seen.kind === kind) giveUp.abort(reason);
    return listen?.(seen);
  };
  return giveUp.signal;
}

test('a call that is given up beforehand asks nothing, whatever it is', async () => {
  const place = await begun();
  const { application } = place;
  const options = { signal: AbortSignal.abort(reason) };
  const calls: (() => Promise<unknown>)[] = [
    () => application.get(options),
    () => application.trackRun(run, options),
    () => application.trackRunWithResult(run, options),
    () => application.runMetadata('r', options),
    () => application.runResult('r', options),
    () => application.runResultWithPolling('r', options),
    () => application.runInput('r', options),
    () => application.runOutput('r', options),
    () => application.runLogs('r', options),
    () => application.runAssets('r', options),
    () => application.runAsset('r', 'a', options),
    () => application.listRuns(options).next(),
    () => application.updateRun('r', { name: 'n', ...options }),
    () => application.cancelRun('r', options),
    () => application.deleteRun('r', options),
    () => trackFolder('/nowhere', { client: place.client, ...options }),
  ];
  for (const call of calls) expect(await rejection(call())).toBe(reason);
  expect(place.asked()).toEqual([]);
});

describe('a call that is given up in its middle', () => {
  test.each<{ kind: RequestKind; call: (place: Place, options: SignalOption) => Promise<unknown> }>([
    { kind: 'uploadurl', call: ({ application }, options) => application.trackRun(run, options) },
    { kind: 'put', call: ({ application }, options) => application.trackRun(run, options) },
    {
      kind: 'list',
      call: ({ application }, options) => application.trackRun(run, { fingerprint: 'f', ...options }),
    },
    { kind: 'list', call: ({ application }, options) => application.listRuns(options).next() },
    { kind: 'run', call: ({ application }, options) => application.trackRunWithResult(run, options) },
    { kind: 'application', call: ({ application }, options) => application.get(options) },
    {
      kind: 'download',
      call: async ({ application }, options) =>
        await application.runOutput(await application.trackRun(run), {
          directory: temporaryFolder(),
          ...options,
        }),
    },
  ])('while $kind is awaited throws the reason', async ({ kind, call }) => {
    const place = await begun();
    expect(await rejection(call(place, { signal: abortAt(place, kind) }))).toBe(reason);
    expect(place.count(kind)).toBe(1);
  });

  test('between two tries throws the reason', async () => {
    const place = await begun({ retry: { delay: 3_600, maxDuration: 1e6 } });
    const giveUp = new AbortController();
    const { faults } = place.standIn;
    faults.always({}, { kind: 'answer', status: 503, retryAfter: '3600' });
    const call = rejection(place.application.get({ signal: giveUp.signal }));
    await until('the first answer', () => place.count('application') === 1);
    giveUp.abort(reason);
    expect(await call).toBe(reason);
  });

  test.each(['initialDelay', 'delay'])('while it waits to ask again (%s) throws the reason', async (wait) => {
    const place = await begun();
    place.standIn.faults.finalAfterMs = 3_600_000;
    const id = await place.application.trackRun(run);
    const giveUp = new AbortController();
    const polling = { maxDelay: 100_000, [wait]: 100_000 };
    const call = rejection(place.application.runResultWithPolling(id, { polling, signal: giveUp.signal }));
    if (wait === 'delay') await until('it to be asked for in vain', () => place.count('run') === 1);
    giveUp.abort(reason);
    expect(await call).toBe(reason);
    expect(place.count('run')).toBe(wait === 'delay' ? 1 : 0);
  });

  test('while the run is being made says that it may have been: that counts more', async () => {
    const place = await begun();
    const signal = abortAt(place, 'create');
    expect((await failure(place.application.trackRun(run, { fingerprint: 'f', signal }))).reason).toBe(
      'outcome-unknown',
    );
    // Nobody looks for it any more.
    expect(place.count('list')).toBe(1);
  });

  test('while a directory is packed throws the reason, and asks nothing', async () => {
    const place = await begun();
    const giveUp = new AbortController();
    const inputDirPath = directoryWith(
      Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}.csv`, 'x'.repeat(10_000)])),
    );
    const call = rejection(place.application.trackRun({ status: 'succeeded', inputDirPath }, giveUp));
    setImmediate(() => giveUp.abort(reason));
    expect(await call).toBe(reason);
    expect(place.asked()).toEqual([]);
  });

  test('while a file is read for its digest throws the reason, and asks nothing', async () => {
    const place = await begun();
    const giveUp = new AbortController();
    const inputFilePath = fileWith('', 'input.txt');
    // Reading it whole would take far longer than a test may; on disk it is a hole.
    truncateSync(inputFilePath, 1e12);
    const call = rejection(place.application.trackRun({ status: 'succeeded', inputFilePath }, giveUp));
    await until('the file to be open', () => openFiles().includes(inputFilePath));
    giveUp.abort(reason);
    expect(await call).toBe(reason);
    expect(openFiles()).not.toContain(inputFilePath);
    expect(place.asked()).toEqual([]);
  });

  test('leaves no file open', async () => {
    const place = await begun();
    const content = Buffer.alloc(3e6, 'x');
    const inputFilePath = fileWith(content, 'large.txt');
    const outputDirPath = directoryWith({ 'large.bin': content });
    const id = await place.application.trackRun({ status: 'succeeded', inputFilePath, outputDirPath });
    const directory = temporaryFolder();
    const isOpen = () => openFiles().some((path) => path.includes(directory) || path === inputFilePath);
    const upload = { status: 'succeeded', inputFilePath } as const;
    expect(await rejection(place.application.trackRun(upload, { signal: abortAt(place, 'put') }))).toBe(
      reason,
    );
    const options = { directory, signal: abortAt(place, 'download') };
    expect(await rejection(place.application.runOutput(id, options))).toBe(reason);
    // A line that is cut for good, in the middle of a file.
    place.standIn.faults.clear();
    place.standIn.faults.always({ kind: 'download' }, { kind: 'drop', when: 'midway' });
    expect((await failure(place.application.runOutput(id, { directory }))).reason).toBe(
      'storage-unreachable',
    );
    await until('every file to be closed', () => !isOpen());
  });
});

const library = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href;

test.each<{ name: string; does: string; hangs?: RequestKind }>([
  {
    name: 'a run is tracked',
    does: `await application.trackRunWithResult({ status: 'succeeded', input: {} });`,
  },
  {
    name: 'a run is given up while it is uploaded',
    does: `await application.trackRun({ status: 'succeeded', input: 'x'.repeat(1e6) }, { signal: AbortSignal.timeout(300) }).catch(tell);`,
    hangs: 'put',
  },
  {
    name: 'a list is left early',
    does: `for await (const run of application.listRuns()) break;`,
  },
  {
    name: 'waiting for a run is given up',
    does: `await application.runResultWithPolling('r-1', { polling: { initialDelay: 1000 }, signal: AbortSignal.timeout(300) }).catch(tell);`,
  },
])('a program ends by itself after $name, without close()', async ({ does, hangs }) => {
  const place = await begun();
  if (hangs !== undefined) place.standIn.faults.always({ kind: hangs }, { kind: 'hang', carriedOut: false });
  const program = `
    import { Application, Client } from '${library}';
    const client = new Client({ apiKey: '${key}', endpoint: '${place.standIn.endpoint}' });
    const application = new Application({ client, id: '${app}' });
    const tell = (error) => console.log(error.name);
    // Whatever keeps the process alive ends it with a sign; this itself does not.
    setTimeout(() => process.exit(7), 20000).unref();
    ${does}
    console.log('over');`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  expect(stdout.trim().split('\n')).toEqual([...(does.includes('tell') ? ['TimeoutError'] : []), 'over']);
});

test('a client that is closed ends what is under way', async () => {
  const place = await begun();
  place.standIn.faults.always({}, { kind: 'hang', carriedOut: false });
  const call = rejection(place.application.get());
  await until('the request', () => place.count('application') === 1);
  await place.client.close();
  expect(await call).toMatchObject({ reason: 'unreachable' });
});
