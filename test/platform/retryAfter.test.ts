/** How long the platform wishes us to wait, where it names a date: that is one of its own clock. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { PlatformClient } from '../../src/platform/client.ts';
import { directNetwork } from '../../src/platform/network.ts';
import { machineClock } from '../../src/system/clock.ts';
import { Secret } from '../../src/system/secret.ts';

const hourMs = 3_600_000;

test.each([
  { clock: 'right', aheadMs: 0 },
  { clock: 'hours behind', aheadMs: -6 * hourMs },
  { clock: 'hours ahead', aheadMs: 6 * hourMs },
])('a date is as far away as it is where this machine’s clock is $clock', async ({ aheadMs }) => {
  // A moment of its own, so that no second ends between two lines of this test.
  const platformMs = Date.parse('2026-11-22T03:26:40Z');
  const server = createServer((_, answer) => {
    answer.writeHead(429, {
      date: new Date(platformMs).toUTCString(),
      'retry-after': new Date(platformMs + 50_000).toUTCString(),
    });
    answer.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const client = new PlatformClient({
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    apiKey: () => Promise.resolve(new Secret('key')),
    connections: 1,
    version: '0.0.0',
    network: directNetwork,
    clock: { ...machineClock, nowMs: () => platformMs + aheadMs, monotonicMs: () => 1_000 },
  });
  onTestFinished(() => client.close());
  await expect(client.application('hare-app', new AbortController().signal)).rejects.toMatchObject({
    failure: { class: 'rate-limited', retryAfterMs: 50_000 },
  });
});
