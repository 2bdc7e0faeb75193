/** Storage that keeps its connections busy, or goes on and on about its trouble; and a body that turns out not to be whole. */
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PlatformClient, type UploadTicket } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import { machineClock } from '../../src/system/clock.ts';
import { Secret } from '../../src/system/secret.ts';

const never = new AbortController().signal;
const megabyte = 1024 * 1024;

/** A host that is the platform and its storage, and a client with so many connections to it. */
async function begun(connections: number, onRequest: RequestListener) {
  const server = createServer(onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const client = new PlatformClient({
    endpoint,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections,
    version: '0.0.0',
    network: directNetwork,
    clock: machineClock,
    answerMs: 300,
  });
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  const ticket: UploadTicket = { uploadId: 'an-id', uploadUrl: `${endpoint}/bytes`, askedAtMs: 0 };
  return { client, ticket, address: { url: `${endpoint}/bytes` } };
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

test('a request that waits for a connection is given up in time, and the next one finds all in order', async () => {
  const large = Buffer.alloc(16 * megabyte);
  const asked: string[] = [];
  const { client, ticket, address } = await begun(1, (request, response) => {
    asked.push(`${String(request.method)} ${String(request.url)}`);
    request.resume();
    response.end(request.url === '/bytes' ? large : '{"runs":[]}');
  });
  const unread = await client.download(address, large.length, never);
  const ofStorage = { reason: 'storage-unreachable' };
  await expect(client.putUpload(ticket, Buffer.from('{}'), 2, never)).rejects.toMatchObject(ofStorage);
  await expect(client.putUpload(ticket, streamOf(Buffer.from('{}')), 2, never)).rejects.toMatchObject(
    ofStorage,
  );
  await expect(client.download(address, 2, never)).rejects.toMatchObject(ofStorage);
  await expect(client.listRuns('hare-app', null, never)).rejects.toMatchObject({ reason: 'unreachable' });
  const cut = new AbortController();
  const waiting = expect(client.listRuns('hare-app', null, cut.signal)).rejects.toThrow('cut off');
  setImmediate(() => cut.abort(new Error('cut off')));
  await waiting;

  let bytes = 0;
  for await (const chunk of unread) bytes += chunk.length;
  expect(bytes).toBe(large.length);
  expect((await client.listRuns('hare-app', null, never)).runs).toEqual([]);
  // What was given up has not been sent after all.
  expect(asked).toEqual(['GET /bytes', expect.stringMatching(/^GET .*\/runs/)]);
});

describe.for<{ name: string; goOn: (response: ServerResponse) => void }>([
  {
    name: 'without a pause',
    goOn: (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('trouble '.repeat(1_000)));
      };
      response.on('drain', more);
      more();
    },
  },
  {
    name: 'word by word',
    goOn: (response) => {
      const timer = setInterval(() => response.write('trouble '), 20);
      response.on('close', () => clearInterval(timer));
    },
  },
])('storage that speaks of its trouble $name and for ever', ({ goOn }) => {
  const speaking = async () => {
    const closed: Promise<unknown>[] = [];
    const { client, ticket, address } = await begun(1, (request, response) => {
      request.resume();
      response.statusCode = 503;
      closed.push(once(response, 'close'));
      goOn(response);
    });
    return { client, ticket, address, closed };
  };
  const itsTrouble = { reason: 'storage-trouble', status: 503 };

  test('is not listened to any longer than for a word, and loses its connection', async () => {
    const { client, address, closed } = await speaking();
    await expect(client.download(address, 700 * megabyte, never)).rejects.toMatchObject(itsTrouble);
    await Promise.all(closed);
    expect(closed).toHaveLength(1);
  });

  test('is understood when something is put there as well', async () => {
    const { client, ticket, closed } = await speaking();
    await expect(client.putUpload(ticket, Buffer.from('{}'), 2, never)).rejects.toMatchObject(itsTrouble);
    await Promise.all(closed);
    expect(closed).toHaveLength(1);
  });
});

describe('a body that is read from a folder', () => {
  test('and shows only after its last byte that it has changed is never taken', async () => {
    let stored = 0;
    const { client, ticket } = await begun(1, (request, response) => {
      request.on('error', () => undefined);
      request.on('end', () => {
        stored += 1;
        response.end();
      });
      request.resume();
    });
    const changed = new Error('output.json has changed');
    const body = async function* () {
      yield Buffer.from('{');
      yield Buffer.from('}');
      // As a slow disk says it: storage has had the time to answer.
      await pause(200);
      throw changed;
    };
    await expect(client.putUpload(ticket, body(), 2, never)).rejects.toBe(changed);
    expect(stored).toBe(0);
  });

  test('is not to blame when storage cuts the line in the midst of it', async () => {
    const { client, ticket } = await begun(1, (request) => {
      request.once('data', () => request.socket.destroy());
    });
    const piece = Buffer.alloc(megabyte / 16);
    const body = async function* () {
      for (let sent = 0; sent < 16 * megabyte; sent += piece.length) yield await Promise.resolve(piece);
    };
    const put = client.putUpload(ticket, body(), 16 * megabyte, never);
    await expect(put).rejects.toMatchObject({ reason: 'storage-unreachable' });
  });
});
