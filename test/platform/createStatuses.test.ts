/** Every status that `POST /runs` can be answered with, read off a real socket, and what the run becomes by it. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunLife } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { createVerdict } from '../../src/platform/answers.ts';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import { machineClock } from '../../src/system/clock.ts';
import { Secret } from '../../src/system/secret.ts';

const now = 1_700_000_000_000;
const never = new AbortController().signal;
const statuses = Array.from({ length: 500 }, (_, n) => 100 + n);

/** As the contract reads: what is not named here is not known to have made nothing. */
const nothingMade = [401, 403, 429];
const refused = [400, 404, 410, 413, 415, 422];

function verdict(status: number, namesRun: boolean): 'made' | 'nothingMade' | 'refused' | 'unclear' {
  if (namesRun && status >= 200 && status <= 299) return 'made';
  if (nothingMade.includes(status)) return 'nothingMade';
  return refused.includes(status) ? 'refused' : 'unclear';
}

const becomes = { made: 'tracked', nothingMade: 'uploaded', refused: 'queued', unclear: 'unknown' } as const;

/** These end with their head, whatever follows it. */
const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304;

let answer: (socket: Socket) => void;
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => answer(socket));
});
let client: PlatformClient;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  client = new PlatformClient({
    endpoint: `http://127.0.0.1:${address.port}`,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections: 1,
    version: '0.0.0',
    network: directNetwork,
    clock: machineClock,
  });
});
afterAll(async () => {
  await client.close();
  server.close();
});

const intended: RunLife = {
  state: {
    kind: 'intended',
    uploads: [{ role: 'input', uploadId: 'u-1', askedAtMs: now }],
    platformTimeMs: now,
  },
  tries: 0,
  plainest: false,
  everUnknown: false,
};

/** What the run is after this answer. */
async function after(how: (socket: Socket) => void): Promise<RunLife> {
  answer = how;
  const created = await client.createRun(
    'hare-app',
    null,
    { upload_id: 'u-1', result: { status: 'succeeded' } },
    never,
  );
  const happening = created.kind === 'unclear' ? { ...created, endedAtMs: now } : created;
  return advance(intended, happening, now, 0.5, defaultPolicy).life;
}

const says = (status: number, body: string) => (socket: Socket) => {
  const head = `HTTP/1.1 ${status} Said\r\ncontent-type: application/json\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
};

describe('a status', () => {
  test('is read as the contract says, with and without a run id beside it', () => {
    for (const status of statuses) {
      for (const namesRun of [true, false])
        expect([status, createVerdict(status, namesRun)]).toEqual([status, verdict(status, namesRun)]);
    }
  });

  test.each([
    { name: 'with a run id', body: '{"run_id":"run-x"}', namesRun: true },
    { name: 'without one', body: '{"error":"x"}', namesRun: false },
  ])(
    'that comes over the wire $name makes of the run what it should, from 100 to 599',
    async ({ body, namesRun }) => {
      const counted = new Map<string, number>();
      for (const status of statuses) {
        const { state, tries, plainest } = await after(says(status, hasNoBody(status) ? '' : body));
        const is = verdict(status, namesRun && !hasNoBody(status));
        expect([status, state.kind]).toEqual([status, becomes[is]]);
        expect(plainest).toBe(is === 'refused');
        // One answer to a request that everybody's trouble spoilt costs this run nothing.
        expect(tries).toBe(0);
        counted.set(is, (counted.get(is) ?? 0) + 1);
      }
      const made = namesRun ? 99 : 0;
      expect(Object.fromEntries(counted)).toEqual({
        ...(namesRun ? { made } : {}),
        nothingMade: 3,
        refused: 6,
        unclear: 491 - made,
      });
    },
  );

  test.each<{ name: string; how: (socket: Socket) => void }>([
    { name: 'no answer but an end', how: (socket) => socket.end() },
    { name: 'a reset', how: (socket) => socket.resetAndDestroy() },
    { name: 'half a head', how: (socket) => socket.end('HTTP/1.1 20') },
    { name: 'what is no HTTP', how: (socket) => socket.end('220 mail ready\r\n') },
    {
      name: 'half of a body that would name the run',
      how: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"run_id":"run-x"}'),
    },
    { name: 'an interim answer and no other', how: (socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n') },
  ])('that never comes leaves the run unknown: $name', async ({ how }) => {
    expect((await after(how)).state.kind).toBe('unknown');
  });
});
