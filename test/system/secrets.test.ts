import { inspect, format } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scrub } from '../../src/core/scrub.ts';
import { describeError } from '../../src/system/log.ts';
import { Secret } from '../../src/system/secret.ts';

const canary = 'canary-7f3a9';

describe('a secret', () => {
  const secret = new Secret(canary);
  test.each<{ name: string; print: () => string }>([
    { name: 'in a text', print: () => `${String(secret)} ${[secret].join('')}` },
    { name: 'as JSON', print: () => JSON.stringify({ deep: [secret] }) },
    {
      name: 'inspected',
      print: () => inspect({ deep: { secret } }, { depth: 9, showHidden: true, getters: true }),
    },
    {
      name: 'inspected without its own printing',
      print: () => inspect(secret, { customInspect: false, showHidden: true }),
    },
    { name: 'formatted', print: () => format('%s %o %j %O', secret, secret, secret, secret) },
    {
      name: 'through its properties',
      print: () => JSON.stringify([Object.assign({}, secret), Object.entries(secret)]),
    },
    { name: 'in an error', print: () => inspect(new Error('x', { cause: secret })) },
    { name: 'as a key', print: () => Object.keys({ [String(secret)]: 1 }).join('') },
  ])('does not show $name', ({ print }) => {
    expect(print()).not.toContain(canary);
  });

  test('is given away by `reveal` alone', () => {
    expect(secret.reveal()).toBe(canary);
  });
});

describe('scrubbing', () => {
  test.each([
    { text: `Authorization: Bearer ${canary}`, is: 'Authorization: Bearer [secret]' },
    { text: `{"authorization":"bearer   ${canary}"}`, is: '{"authorization":"Bearer [secret]"}' },
    {
      text: `PUT https://s3.test/up/a?X-Sig=${canary}&b=1 failed`,
      is: 'PUT https://s3.test/up/a?[signed] failed',
    },
    { text: `"HTTP://s3.test/?${canary}"`, is: '"HTTP://s3.test/?[signed]"' },
    {
      text: `<https://a.test/x?t=${canary}> and https://b.test/y?u=${canary}`,
      is: '<https://a.test/x?[signed]> and https://b.test/y?[signed]',
    },
    { text: 'nothing to hide? no', is: 'nothing to hide? no' },
  ])('makes "$text" harmless', ({ text, is }) => {
    expect(scrub(text)).toBe(is);
  });

  test('finds them wherever they stand, and lets no line become long', () => {
    const around = fc
      .string({ unit: 'grapheme-ascii', maxLength: 5_000 })
      .map((text) => text.replaceAll('?', ''));
    fc.assert(
      fc.property(
        around,
        fc.constantFrom('Bearer ', 'https://a.test/b?c='),
        around,
        (before, what, after) => {
          const scrubbed = scrub(`${before} ${what}${canary} ${after}`);
          expect(scrubbed).not.toContain(canary);
          expect(scrubbed.length).toBeLessThanOrEqual(4_010);
        },
      ),
    );
  });

  test.each([
    { name: 'message', error: new Error(`GET https://a.test/?${canary}`) },
    { name: 'cause', error: new Error('x', { cause: new Error(`Bearer ${canary}`) }) },
    { name: 'cause that is no error', error: new Error('x', { cause: `Bearer ${canary}` }) },
    { name: 'own properties', error: Object.assign(new Error('x'), { headers: { authorization: canary } }) },
    { name: 'thrown text', error: `Bearer ${canary}` },
  ])('an error shows nothing by its $name', ({ error }) => {
    expect(JSON.stringify(describeError(error))).not.toContain(canary);
  });

  test('an error keeps what helps: its kind, its code and where it came from', () => {
    const error = Object.assign(new TypeError('no such file'), { code: 'ENOENT' });
    expect(describeError(error)).toMatchObject({
      type: 'TypeError',
      message: 'no such file',
      code: 'ENOENT',
      stack: expect.stringContaining('secrets.test.ts') as string,
    });
  });
});
