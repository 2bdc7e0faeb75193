/** What an error advises can be done by whoever calls: nothing of a daemon, its configuration or its commands. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Application, Client, RuntrackdError } from '../../src/index.ts';
import { forPrograms } from '../../src/library/hints.ts';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import type { RequestKind } from '../../src/standin/requestKind.ts';
import { app, begun, failure, key, type Place } from './place.ts';

const run = { status: 'succeeded', input: { a: 1 }, output: { b: 2 } } as const;
const ofTheDaemon =
  /(on|again) by itself|daemon|drop root|runtrackd retry|platform\.\w|api_key_file|nothing to do/i;

type Call = (place: Place) => Promise<unknown>;
const get: Call = ({ application }) => application.get();
const track: Call = ({ application }) => application.trackRun(run);
const answer = (status: number): Misbehaviour => ({ kind: 'answer', status });

test.each<{ reason: string; at: RequestKind; fault: Misbehaviour; call: Call }>([
  { reason: 'key-refused', at: 'application', fault: answer(401), call: get },
  { reason: 'app-forbidden', at: 'application', fault: answer(403), call: get },
  { reason: 'app-not-found', at: 'application', fault: answer(404), call: get },
  { reason: 'rate-limited', at: 'application', fault: answer(429), call: get },
  { reason: 'platform-trouble', at: 'application', fault: answer(503), call: get },
  { reason: 'intercepted', at: 'application', fault: answer(307), call: get },
  { reason: 'unreachable', at: 'application', fault: { kind: 'drop', when: 'before' }, call: get },
  {
    reason: 'unreadable-answer',
    at: 'application',
    fault: { kind: 'answer', status: 200, body: '<html>' },
    call: get,
  },
  { reason: 'refused', at: 'create', fault: answer(422), call: track },
  { reason: 'key-refused', at: 'create', fault: answer(401), call: track },
  { reason: 'outcome-unknown', at: 'create', fault: answer(500), call: track },
  { reason: 'storage-trouble', at: 'put', fault: answer(503), call: track },
  { reason: 'storage-refused', at: 'put', fault: answer(400), call: track },
  { reason: 'upload-url-dead', at: 'put', fault: answer(403), call: track },
  {
    reason: 'platform-trouble',
    at: 'list',
    fault: answer(503),
    call: ({ application }) => application.listRuns().next(),
  },
  {
    reason: 'not-found',
    at: 'metadata',
    fault: answer(404),
    call: ({ application }) => application.runMetadata('devint-123456789'),
  },
])('$reason while $at is asked', async ({ reason, at, fault, call }) => {
  const place = await begun({ retry: { maxTries: 2, delay: 0.001 } });
  place.standIn.faults.always({ kind: at }, fault);
  const error = await failure(call(place));
  expect(error.reason).toBe(reason);
  expect(error.hint).toMatch(/^\S.*[.?]$/);
  expect(error.hint).not.toMatch(ofTheDaemon);
  // It is the same error, and tells where it happened.
  expect(error.stack).not.toContain('dist/library/hints');
});

test('a server that is not there', async () => {
  const client = new Client({ apiKey: key, endpoint: 'http://127.0.0.1:9', retry: { maxTries: 1 } });
  const error = await failure(new Application({ client, id: app }).get());
  expect(error.reason).toBe('unreachable');
  expect(error.hint).not.toMatch(ofTheDaemon);
  expect(error.cause).toBeInstanceOf(Error);
  expect(error).toBeInstanceOf(RuntrackdError);
});

test.each(['link-too-slow', 'archive-too-large'])('%s, which the daemon knows too', (reason) => {
  const hint = 'Use a faster link, or make the file smaller; then `runtrackd retry` it.';
  const error = forPrograms(new RuntrackdError({ class: reason, text: 'x', hint, reach: 'run' }));
  expect(error).toMatchObject({ reason, hint: expect.not.stringMatching(ofTheDaemon) as string });
});

test('every reason of an error is in the documentation', () => {
  const source = fileURLToPath(new URL('../../src', import.meta.url));
  const read = (folder: string) =>
    readdirSync(join(source, folder)).flatMap((name) =>
      name.endsWith('.ts') ? [readFileSync(join(source, folder, name), 'utf8')] : [],
    );
  const text = ['library', 'platform', 'reading'].flatMap(read).join('\n');
  const inSource = [...text.matchAll(/class: '([a-z-]+)'/g), ...text.matchAll(/\? '([a-z]+-[a-z-]+)' :/g)];
  const docs = readFileSync(join(source, '../docs/library.md'), 'utf8');
  const [, table = ''] = docs.split('## Errors');
  const named = [...(table.split('## Connection')[0] ?? '').matchAll(/`([a-z]+(?:-[a-z]+)*)`/g)];
  const reasons = new Set(named.map(([, reason = '']) => reason));
  // The daemon's word for it; callers are told of their machine's trouble.
  const ofTheDaemonAlone = 'no-room-for-archive';
  for (const [, reason = ''] of inSource)
    if (reason !== ofTheDaemonAlone) expect(reasons, reason).toContain(reason);
});
