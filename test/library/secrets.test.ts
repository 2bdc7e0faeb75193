/** Neither the key nor a signature is in any error of the library, however it is looked at. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { begun, rejection, temporaryFolder } from './place.ts';

const key = 'canary.Key-With_24~chars';
const signature = '0123abcdefghij';
const url = `https://storage.example.com/a/b?X-Amz-Signature=${signature}&signature=${signature}&expires=9`;

const bodies = [
  `{"message":"Authorization: Bearer ${key}; the key ${key} is not known"}`,
  `<Error><Code>AccessDenied</Code><Resource>${url}</Resource></Error>`,
  JSON.stringify({ url: `http://user:${key}@elsewhere.example.com/?signature=${signature}` }),
  JSON.stringify({ upload_id: 'u', upload_url: `http://elsewhere.example.com/?signature=${signature}` }),
];
const faults: Misbehaviour[] = [
  ...[200, 307, 400, 401, 403, 404, 409, 422, 429, 500].flatMap((status) =>
    bodies.map((body): Misbehaviour => ({ kind: 'answer', status, body })),
  ),
  ...[301, 302, 307, 308].flatMap((status) =>
    [url, `http://user:${key}@elsewhere.example.com/?signature=${signature}`].map(
      (location): Misbehaviour => ({ kind: 'answer', status, location, body: '' }),
    ),
  ),
  { kind: 'drop', when: 'before' },
  { kind: 'drop', when: 'midway' },
];

test('whatever a server sends back, at every step of every call', async () => {
  const place = await begun({ apiKey: key, retry: { maxTries: 1 } });
  const { application, standIn } = place;
  const text = 'x'.repeat(1_000);
  const id = await application.trackRun({ status: 'succeeded', input: text, output: text });
  const run = { status: 'succeeded', input: text, output: text } as const;
  const directory = temporaryFolder();
  const calls: Record<string, [steps: number, call: () => Promise<unknown>]> = {
    get: [1, () => application.get()],
    trackRun: [5, () => application.trackRun(run)],
    fingerprint: [1, () => application.trackRun(run, { fingerprint: 'f' })],
    result: [3, () => application.runResult(id)],
    input: [3, () => application.runInput(id, { directory })],
    list: [1, () => application.listRuns().next()],
    update: [1, () => application.updateRun(id, { name: 'n' })],
    cancel: [1, () => application.cancelRun(id)],
    assets: [1, () => application.runAssets(id)],
    logs: [1, () => application.runLogs(id)],
  };
  const leaks: string[] = [];
  let errors = 0;
  for (const fault of faults) {
    for (const [name, [steps, call]] of Object.entries(calls)) {
      for (let skip = 0; skip < steps; skip += 1) {
        const { onRequest } = standIn.faults;
        standIn.faults.clear();
        standIn.faults.onRequest = onRequest;
        standIn.faults.next({ skip }, fault);
        const error = await rejection(call()).catch(() => null);
        if (error === null || (error instanceof Error && error.message.startsWith('it was not rejected')))
          continue;
        errors += 1;
        const told = `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`;
        for (const canary of [key, encodeURIComponent(key), signature])
          if (told.includes(canary)) leaks.push(`${name}, step ${skip}, on ${JSON.stringify(fault)}`);
      }
    }
  }
  expect(leaks).toEqual([]);
  expect(errors).toBeGreaterThan(300);
});

test('a client and an app that are printed do not print the key', async () => {
  const { application, client } = await begun({ apiKey: key });
  const printed =
    inspect({ application, client }, { depth: 12, showHidden: true }) +
    JSON.stringify({ application, client });
  expect(printed).not.toContain(key);
});
