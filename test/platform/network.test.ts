/** Proxies, private authorities and idle connections, over real sockets: a proxy, TLS and a server that hangs up. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { expect, onTestFinished, test } from 'vitest';
import { PlatformClient } from '../../src/platform/client.ts';
import { networkOf, type NetworkWishes } from '../../src/platform/network.ts';
import { machineClock } from '../../src/system/clock.ts';
import { Secret } from '../../src/system/secret.ts';

const never = new AbortController().signal;
const name = 'api.example.test';
const run = { upload_id: 'x', result: { status: 'succeeded' as const } };

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A platform with a certificate of an authority that nobody knows, reached only by the proxy, which counts. */
async function behindProxy(refuse?: number) {
  const directory = mkdtempSync(join(tmpdir(), 'rt-net-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const pem = await generate([{ name: 'commonName', value: name }], {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  });
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, pem.cert);
  const platform = createTlsServer({ cert: pem.cert, key: pem.private }, (incoming, outgoing) => {
    incoming.resume();
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ id: 'hare-app', run_id: 'devint-1' }));
  });
  const platformPort = await portOf(platform);
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket, head) => {
    asked.push(`${String(request.url)} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    if (refuse !== undefined) {
      socket.end(`HTTP/1.1 ${refuse} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const through = connect(platformPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      through.write(head);
      through.pipe(socket).pipe(through);
    });
    for (const end of [socket, through]) end.on('error', () => undefined);
  });
  return { proxyPort: await portOf(proxy), caFile, asked };
}

function clientOf(endpoint: string, wishes: NetworkWishes, environment: NodeJS.ProcessEnv): PlatformClient {
  const client = new PlatformClient({
    endpoint,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections: 2,
    version: '0.0.0',
    clock: machineClock,
    network: networkOf(wishes, environment),
  });
  onTestFinished(() => client.close());
  return client;
}

test('the proxy of the environment is used, with its password, and the private authority is trusted', async () => {
  const { proxyPort, caFile, asked } = await behindProxy();
  const environment = { HTTPS_PROXY: `http://user:pass@127.0.0.1:${proxyPort}` };
  const client = clientOf(`https://${name}`, { proxy: null, caFiles: [caFile] }, environment);
  expect((await client.application('hare-app', never)).id).toBe('hare-app');
  expect(await client.createRun('hare-app', null, run, never)).toEqual({ kind: 'made', runId: 'devint-1' });
  const authorization = `Basic ${Buffer.from('user:pass').toString('base64')}`;
  expect(asked).toEqual([`${name}:443 ${authorization}`, `${name}:443 ${authorization}`]);
});

test('a configured proxy wins over the environment', async () => {
  const { proxyPort, caFile, asked } = await behindProxy();
  const wishes = { proxy: `http://127.0.0.1:${proxyPort}`, caFiles: [caFile] };
  const client = clientOf(`https://${name}`, wishes, { HTTPS_PROXY: 'http://127.0.0.1:9' });
  await client.application('hare-app', never);
  expect(asked).toHaveLength(1);
});

test('without the private authority nothing is said to a stranger, and no run is made', async () => {
  const { proxyPort } = await behindProxy();
  const client = clientOf(`https://${name}`, { proxy: `http://127.0.0.1:${proxyPort}`, caFiles: [] }, {});
  expect(await client.createRun('hare-app', null, run, never)).toMatchObject({
    kind: 'nothingMade',
    failure: { class: 'unreachable' },
  });
});

test('a proxy that refuses has certainly made no run, and its password is not told', async () => {
  const { proxyPort, caFile } = await behindProxy(407);
  const wishes = { proxy: `http://user:canary@127.0.0.1:${proxyPort}`, caFiles: [caFile] };
  const created = await clientOf(`https://${name}`, wishes, {}).createRun('hare-app', null, run, never);
  expect(created).toMatchObject({
    kind: 'nothingMade',
    failure: { text: expect.stringContaining('407') as string },
  });
  expect(JSON.stringify(created)).not.toContain('canary');
});

test('hosts of NO_PROXY and this machine are reached directly', async () => {
  const { proxyPort, asked } = await behindProxy();
  const platform = createServer((_, outgoing) => outgoing.end('{"id":"hare-app"}'));
  const port = await portOf(platform);
  const environment = { HTTP_PROXY: `http://127.0.0.1:${proxyPort}`, NO_PROXY: name };
  const local = clientOf(`http://127.0.0.1:${port}`, { proxy: null, caFiles: [] }, environment);
  await local.application('hare-app', never);
  // Nobody has that name here: that it is looked up at all shows that the proxy was left out.
  await expect(
    clientOf(`https://${name}`, { proxy: null, caFiles: [] }, environment).application('hare-app', never),
  ).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);
  expect(asked).toEqual([]);
});

test('a proxy of the environment may be host and port alone, as other programs take it', async () => {
  const { proxyPort, caFile, asked } = await behindProxy();
  const environment = { https_proxy: `user:pass@127.0.0.1:${proxyPort}` };
  await clientOf(`https://${name}`, { proxy: null, caFiles: [caFile] }, environment).application(
    'hare-app',
    never,
  );
  expect(asked).toHaveLength(1);
  expect(networkOf({ proxy: null, caFiles: [] }, { HTTP_PROXY: 'localhost:3128' }).proxy?.https).toBe(
    'http://localhost:3128/',
  );
});

test.each(['socks5://user:canary@proxy:1080', 'http://', 'user:canary@', 'http://a b:canary'])(
  'the variable that names no proxy is named, and what stands in it is not: %s',
  (address) => {
    const make = (): unknown => networkOf({ proxy: null, caFiles: [] }, { https_proxy: address });
    expect(make).toThrow('the environment variable https_proxy is not the address of a proxy');
    expect(make).not.toThrow('canary');
  },
);

test.each([
  ['beside one for https', { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
  ['where no host is reached through a proxy', { NO_PROXY: '*', https_proxy: 'http://' }, undefined],
])('a variable that is not used is not judged: %s', (_, environment, through) => {
  const network = networkOf(
    { proxy: null, caFiles: [] },
    { HTTP_PROXY: 'socks5://proxy:1080', ...environment },
  );
  expect(network.proxy?.https).toBe(through);
});

test('a file of authorities that is not there is named', () => {
  expect(() => networkOf({ proxy: null, caFiles: ['/nowhere/ca.pem'] }, {})).toThrow('/nowhere/ca.pem');
});

test('a server that closes idle connections is not noticed', async () => {
  const platform = createServer({ keepAliveTimeout: 50 }, (_, outgoing) => outgoing.end('{"id":"hare-app"}'));
  const port = await portOf(platform);
  let closed = 0;
  let open: Promise<unknown> = Promise.resolve();
  platform.on('connection', (socket) => {
    open = once(socket, 'close').then(() => (closed += 1));
  });
  const client = clientOf(`http://127.0.0.1:${port}`, { proxy: null, caFiles: [] }, {});
  for (let asked = 0; asked < 5; asked += 1) {
    await client.application('hare-app', never);
    await open;
  }
  expect(closed).toBe(5);
});
