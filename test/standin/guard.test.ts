/** Who may ask: this machine under its own names, and no page of another origin. */
import { request as plainRequest } from 'node:http';
import { expect, test } from 'vitest';
import { started, type Client } from './harness.ts';

/** Node's own client, which sends the headers that it is told, `host` too. */
async function statusOf(client: Client, headers: Record<string, string>, path: string): Promise<number> {
  const { port } = new URL(client.standIn.endpoint);
  return await new Promise((resolve, reject) => {
    const asking = plainRequest(
      { host: '127.0.0.1', port, path, headers: { authorization: 'Bearer k', ...headers } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asking.once('error', reject).end();
  });
}

const paths = ['/v1/applications/hare-app', '/stand-in/settings', '/storage/a/b', '/'];

test.each([
  'evil.example',
  'evil.example:80',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '10.0.0.1',
  'localhost:x',
])('a request for %s is refused, whatever it asks for', async (host) => {
  const client = await started();
  for (const path of paths) expect([400, 421]).toContain(await statusOf(client, { host }, path));
});

test.each(['127.0.0.1', 'localhost', 'LOCALHOST:8421', '[::1]:1', '127.0.0.2'])(
  'a request for %s is answered: a forwarded port is another one',
  async (host) => {
    const client = await started();
    expect(await statusOf(client, { host }, '/v1/applications/hare-app')).toBe(200);
    expect(await statusOf(client, { host }, '/stand-in/settings')).toBe(200);
  },
);

test.each(['http://evil.example', 'null', 'http://localhost:1', 'https://127.0.0.1'])(
  'a page of %s is refused',
  async (origin) => {
    const client = await started();
    for (const path of paths) expect(await statusOf(client, { origin }, path)).toBe(403);
  },
);

test('a page of its own is not', async () => {
  const client = await started();
  const origin = client.standIn.endpoint;
  expect(await statusOf(client, { origin }, '/stand-in/settings')).toBe(200);
  const { port } = new URL(origin);
  const host = `localhost:${port}`;
  expect(await statusOf(client, { origin: `http://${host}`, host }, '/stand-in/settings')).toBe(200);
});
