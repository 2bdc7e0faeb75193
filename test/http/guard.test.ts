import { describe, expect, test } from 'vitest';
import { refusal, type Names } from '../../src/http/guard.ts';

const loopback: Names = {
  listen: { kind: 'port', host: '127.0.0.1', port: 8420 },
  names: ['Planner.example'],
};
const everywhere: Names = { listen: { kind: 'port', host: '0.0.0.0', port: 8420 }, names: [] };
const socket: Names = { listen: { kind: 'unix', path: '/run/page.sock' }, names: [] };

const asked = (names: Names, headers: Record<string, string>, method = 'GET', path = '/'): number | null =>
  // A Request of Node keeps whatever Host it is given.
  refusal(new Request(`http://x${path}`, { method, headers }), names)?.status ?? null;

describe('the name that a request is for', () => {
  test.each<{ name: string; host: string; names: Names; is: number | null }>([
    { name: 'localhost', host: 'localhost:8420', names: loopback, is: null },
    { name: 'the address', host: '127.0.0.1:8420', names: loopback, is: null },
    { name: 'IPv6’s loopback', host: '[::1]:8420', names: loopback, is: null },
    { name: 'another port, as a tunnel has it', host: 'localhost:9000', names: loopback, is: null },
    { name: 'a name of the configuration, in any case', host: 'planner.EXAMPLE', names: loopback, is: null },
    { name: 'localhost on a socket', host: 'localhost', names: socket, is: null },
    { name: 'any address where it listens on all', host: '10.1.2.3:8420', names: everywhere, is: null },
    { name: 'a foreign name', host: 'evil.example:8420', names: loopback, is: 403 },
    { name: 'a foreign name where it listens on all', host: 'evil.example', names: everywhere, is: 403 },
    { name: 'an address that it does not listen at', host: '10.1.2.3:8420', names: loopback, is: 403 },
    { name: 'a name that begins like ours', host: 'localhost.evil.example', names: loopback, is: 403 },
    { name: 'a name that hides behind a user', host: 'localhost@evil.example', names: loopback, is: 400 },
    { name: 'no name', host: '', names: loopback, is: 400 },
  ])('$name: $is', ({ host, names, is }) => {
    expect(asked(names, { host })).toBe(is);
  });
});

describe('who changes something', () => {
  const host = 'localhost:8420';
  test.each<{ name: string; headers: Record<string, string>; is: number | null }>([
    { name: 'a program', headers: {}, is: null },
    {
      name: 'our own page',
      headers: { origin: 'http://localhost:8420', 'sec-fetch-site': 'same-origin' },
      is: null,
    },
    { name: 'our own page behind a proxy with TLS', headers: { origin: 'https://localhost:8420' }, is: null },
    { name: 'a page of somebody else', headers: { origin: 'https://evil.example' }, is: 403 },
    { name: 'a page of this machine at another port', headers: { origin: 'http://localhost:3000' }, is: 403 },
    { name: 'a page without an origin', headers: { origin: 'null' }, is: 403 },
    { name: 'a form of another site without Origin', headers: { 'sec-fetch-site': 'cross-site' }, is: 403 },
    { name: 'a body without a length', headers: { 'transfer-encoding': 'chunked' }, is: 411 },
    { name: 'a body that is too long', headers: { 'content-length': '70000' }, is: 413 },
  ])('$name: $is', ({ headers, is }) => {
    expect(asked(loopback, { host, ...headers }, 'POST')).toBe(is);
  });

  test('looking is not asked for its origin', () => {
    expect(asked(loopback, { host, origin: 'https://evil.example' })).toBeNull();
  });
});

test('an address longer than any of ours is refused', () => {
  expect(asked(loopback, { host: 'localhost' }, 'GET', `/${'x'.repeat(9_000)}`)).toBe(414);
});
