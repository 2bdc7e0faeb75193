/** What the daemon tells systemd, received on a real datagram socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSocket } from 'unix-dgram';
import { serviceManagerOf } from '../../src/system/serviceManager.ts';
import { until } from '../journey/waiting.ts';

let dir: string;
let path: string;
let received: string[];
let close: () => void;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rt-sd-'));
  path = join(dir, 'notify');
  received = [];
  const socket = createSocket('unix_dgram', (message) => received.push(message.toString()));
  socket.bind(path);
  close = () => socket.close();
});

afterEach(() => {
  close();
  rmSync(dir, { recursive: true });
});

const never = (why: string): never => {
  throw new Error(why);
};

test('assignments arrive as one message, a line each, and no value breaks a line', async () => {
  const manager = serviceManagerOf({ NOTIFY_SOCKET: path }, process.pid, never);
  expect(manager.isThere).toBe(true);
  await manager.tell({ READY: '1', STATUS: 'the disk\nSTOPPING=1\r\nis full' });
  await until('the message', () => received.length > 0);
  expect(received).toEqual(['READY=1\nSTATUS=the disk STOPPING=1 is full']);
});

test('many messages leave no socket open', async () => {
  const manager = serviceManagerOf({ NOTIFY_SOCKET: path }, process.pid, never);
  for (let n = 0; n < 300; n += 1) await manager.tell({ STATUS: String(n) });
  await until('all of them', () => received.length === 300);
  expect(received.at(-1)).toBe('STATUS=299');
});

test('nobody listens: nothing happens, and nothing is thrown', async () => {
  const manager = serviceManagerOf({}, process.pid, never);
  expect(manager).toMatchObject({ isThere: false, watchdogMs: null });
  await manager.tell({ READY: '1' });
});

test.each([
  ['a socket that is gone', '/nowhere/notify', /cannot be told anything/],
  ['an abstract socket', '@/org/systemd', /NOTIFY_SOCKET is @\/org\/systemd, and only a path can be reached/],
])('%s is said once, and stops nothing', async (_, address, expected) => {
  const told: string[] = [];
  const manager = serviceManagerOf({ NOTIFY_SOCKET: address }, process.pid, (why) => told.push(why));
  await manager.tell({ READY: '1' });
  await manager.tell({ WATCHDOG: '1' });
  expect(told).toEqual([expect.stringMatching(expected)]);
});

describe('the watchdog', () => {
  const watchdogOf = (more: NodeJS.ProcessEnv) =>
    serviceManagerOf({ NOTIFY_SOCKET: path, ...more }, 42, never).watchdogMs;

  test.each([
    [{ WATCHDOG_USEC: '2000000' }, 2_000],
    [{ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '42' }, 2_000],
    [{ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '41' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{}, null],
  ])('%o', (more, expected) => {
    expect(watchdogOf(more)).toBe(expected);
  });
});
