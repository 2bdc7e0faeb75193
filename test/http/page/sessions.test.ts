/** Who is let in: links that are good once, passwords that are compared and throttled, sessions that end. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Sessions } from '../../../src/http/page/sessions.ts';

const minuteMs = 60_000;

function clockByHand() {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    random: () => 0.5,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

function passwordFile(content: string, mode = 0o600): string {
  const dir = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'password');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

test('a link is good once', () => {
  const sessions = new Sessions('link', null, clockByHand());
  const key = sessions.newKey();
  const token = sessions.redeem(key);
  expect(sessions.isMember(token ?? '')).toBe(true);
  expect(sessions.redeem(key)).toBeNull();
  expect(sessions.isMember(key)).toBe(false);
});

test('a link that nobody opened for ten minutes is good no more', () => {
  const clock = clockByHand();
  const sessions = new Sessions('link', null, clock);
  const key = sessions.newKey();
  clock.pass(10 * minuteMs);
  expect(sessions.redeem(key)).toBeNull();
});

test('a session ends after twelve hours, or when it is ended', () => {
  const clock = clockByHand();
  const sessions = new Sessions('link', null, clock);
  const [one, other] = [sessions.redeem(sessions.newKey()) ?? '', sessions.redeem(sessions.newKey()) ?? ''];
  sessions.end(one);
  expect([sessions.isMember(one), sessions.isMember(other)]).toEqual([false, true]);
  clock.pass(12 * 60 * minuteMs);
  expect(sessions.isMember(other)).toBe(false);
});

test('there are at most a hundred sessions: the oldest goes', () => {
  const sessions = new Sessions('link', null, clockByHand());
  const tokens = Array.from({ length: 101 }, () => sessions.redeem(sessions.newKey()) ?? '');
  expect(tokens.map((token) => sessions.isMember(token)).filter((is) => !is)).toHaveLength(1);
  expect(sessions.isMember(tokens[0])).toBe(false);
});

test('nothing given is no proof, except where none is asked for', () => {
  expect(new Sessions('link', null, clockByHand()).isMember(undefined)).toBe(false);
  expect(new Sessions('password', null, clockByHand()).isMember('')).toBe(false);
  expect(new Sessions('open', null, clockByHand()).isMember(undefined)).toBe(true);
});

test('the right password lets in, and a new one counts at once', async () => {
  const path = passwordFile('open sesame\n');
  const sessions = new Sessions('password', path, clockByHand());
  expect(await sessions.enter('sesame')).toEqual({ kind: 'wrong' });
  const entered = await sessions.enter('open sesame');
  expect(entered.kind === 'session' && sessions.isMember(entered.token)).toBe(true);
  writeFileSync(path, 'another');
  expect(await sessions.enter('open sesame')).toEqual({ kind: 'wrong' });
});

test.each([
  { name: 'that others may read', content: 'secret', mode: 0o640, why: /may be read by others/ },
  { name: 'that is empty', content: '\n', mode: 0o600, why: /is empty/ },
  { name: 'that is a book', content: 'x'.repeat(2000), mode: 0o600, why: /too long/ },
])('a password file $name is not used', async ({ content, mode, why }) => {
  const sessions = new Sessions('password', passwordFile(content, mode), clockByHand());
  expect(await sessions.enter(content.trim())).toMatchObject({
    kind: 'unusable',
    why: expect.stringMatching(why) as string,
  });
});

test('a password file that is missing lets nobody in', async () => {
  const sessions = new Sessions('password', '/nowhere/password', clockByHand());
  expect(await sessions.enter('')).toMatchObject({
    kind: 'unusable',
    why: expect.stringContaining('ENOENT') as string,
  });
});

test('after ten attempts one is let through every six seconds, the right password too', async () => {
  const clock = clockByHand();
  const sessions = new Sessions('password', passwordFile('right'), clock);
  for (let attempt = 0; attempt < 10; attempt += 1) await sessions.enter(`guess ${attempt}`);
  expect(await sessions.enter('right')).toMatchObject({ kind: 'throttled', waitMs: 6_000 });
  clock.pass(6_000);
  expect(await sessions.enter('right')).toMatchObject({ kind: 'session' });
});
