/**
 * Documents that say the same have the same digest, however they are written and cut; others have another. Small ones,
 * which are compared as values, go by the same rule.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactValue } from '../../src/delivery/exactValue.ts';
import { JsonDigest } from '../../src/delivery/jsonDigest.ts';

function digest(text: string, pieceBytes = 1_000): string {
  const bytes = Buffer.from(text);
  const tokens = new JsonDigest();
  for (let at = 0; at < bytes.length; at += pieceBytes) tokens.push(bytes.subarray(at, at + pieceBytes));
  return tokens.digest();
}

test.each([
  ['{"a": 1,\n\t"b":[ ]}', '{"a":1,"b":[]}'],
  ['{"a":1.0}', '{"a":1}'],
  ['[1e3,1E+3,100e1]', '[1000,1000.0,1000]'],
  ['[0.1,-0.0,-0,1.50]', '[1e-1,0,0,1.5]'],
  ['["\\u00e9\\u0041","\\ud83d\\ude9a"]', '["éA","🚚"]'],
  ['["\\u000a\\u0022\\u005c\\/"]', '["\\n\\"\\\\/"]'],
  ['["a\\u0009b"]', '["a\\tb"]'],
])('%s says the same as %s', (one, other) => {
  // Written anew, minus zero is zero.
  expect(JSON.stringify(JSON.parse(one))).toBe(JSON.stringify(JSON.parse(other)));
  expect(digest(one)).toBe(digest(other));
  expect(isDeepStrictEqual(exactValue(one), exactValue(other))).toBe(true);
});

test.each([
  ['{"a":1}', '{"a":2}'],
  ['{"a":1}', '{"a":"1"}'],
  ['[1,2]', '[12]'],
  ['[1,23]', '[12,3]'],
  ['["a b"]', '["ab"]'],
  ['["a","b"]', '["a,b"]'],
  ['["a\\",\\"b"]', '["a","b"]'],
  ['["\\\\u0041"]', '["\\u0041"]'],
  ['[9007199254740993]', '[9007199254740992]'],
  ['{"a":-9007199254740993}', '{"a":-9007199254740992}'],
  ['[9007199254740993]', '["9007199254740993"]'],
  ['[1e400]', '[1e401]'],
  ['["\\ud83d"]', '["\\ud83e"]'],
  ['["\\ud83dx"]', '["x"]'],
  ['[true]', '[false]'],
  ['[]', '{}'],
])('%s says something else than %s', (one, other) => {
  expect(digest(one)).not.toBe(digest(other));
  expect(isDeepStrictEqual(exactValue(one), exactValue(other))).toBe(false);
});

test('a number in a text is no number, and a text that is no JSON is what it is', () => {
  const text = { at: '[-0] "9007199254740993"', 'id 9007199254740993': 1 };
  expect(exactValue(JSON.stringify(text))).toEqual(text);
  expect(exactValue('no JSON: 9007199254740993')).toBe('no JSON: 9007199254740993');
});

test.each([
  { name: 'a number of 399 digits', text: `[${'1'.repeat(398)}.0]` },
  { name: 'a number that is longer than any that means something', text: `[${'1'.repeat(500)}.0,2]` },
  { name: 'a text that is larger than what is held', text: `["${'é'.repeat(70_000)}","\\u00e9"]` },
  { name: 'a whole number behind a minus', text: '[-12,-0,-0.0,0,1e2]' },
])('$name has the same digest wherever it is cut', ({ text }) => {
  for (const pieceBytes of [1, 3, 64, 399, 400, 401, 200_000])
    expect(digest(text, pieceBytes)).toBe(digest(` ${text}\n`, 50_000));
});

describe('any document', () => {
  test('has the same digest indented, escaped, and cut anywhere', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 7 }), (value, pieceBytes) => {
        const plain = JSON.stringify(value);
        const indented = JSON.stringify(value, null, 3);
        const escaped = plain.replaceAll(
          /[\u0080-\uffff]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        expect(digest(indented, pieceBytes)).toBe(digest(plain));
        expect(digest(escaped, pieceBytes)).toBe(digest(plain));
      }),
    );
  });

  test('has another digest than one that is not equal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
        fc.pre(a !== b && !/-0\b|e/.test(a + b));
        expect(digest(a)).not.toBe(digest(b));
      }),
    );
  });
});
