import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carriedBy, cutUtf8, describeRun, type Carried } from '../../src/core/description.ts';

const carried: Carried = {
  fingerprint: 'rt1:tgudvqiqgvgmlhf7qqdrdp7y2y',
  generation: '6af0c85437',
  host: 'solver-7',
};
const other: Carried = { ...carried, fingerprint: 'rt1:fktnem37bt62jvbkkh32vs4zni' };
const mark = '[rt1:tgudvqiqgvgmlhf7qqdrdp7y2y g:6af0c85437 host:solver-7]';

describe('a description', () => {
  test.each<{ name: string; text: string; is: string }>([
    { name: 'ends in the fingerprint', text: 'weekly plan', is: `weekly plan ${mark}` },
    { name: 'is the fingerprint alone when there is no text', text: '  ', is: mark },
    {
      name: 'cannot carry the fingerprint of the run it was copied from',
      text: `copy of ${mark}`,
      is: `copy of (${mark.slice(1)} ${mark}`,
    },
    {
      name: 'keeps the end of a long text out, never the fingerprint',
      text: 'a'.repeat(1_000),
      is: `${'a'.repeat(256 - mark.length - 1)} ${mark}`,
    },
    {
      name: 'is cut between characters, however many bytes they have',
      text: 'ü'.repeat(1_000),
      is: `${'ü'.repeat(Math.floor((256 - mark.length - 1) / 2))} ${mark}`,
    },
  ])('$name', ({ text, is }) => {
    expect(describeRun(text, carried, 256)).toBe(is);
  });

  test('takes no more than the first ten digits of the generation', () => {
    expect(describeRun('', { ...carried, generation: '6af0c8543790f501' }, 256)).toBe(mark);
  });

  test('cuts a host at 63 bytes', () => {
    const described = describeRun('', { ...carried, host: 'ö'.repeat(63) }, 256);
    expect(carriedBy(described)?.host).toBe('ö'.repeat(31));
  });

  test('cannot be ended early by a host with a bracket in it', () => {
    const described = describeRun('text', { ...carried, host: 'a]b\nc' }, 256);
    expect(carriedBy(described)).toEqual({ ...carried, host: 'a_b_c' });
  });
});

/** Texts as they come: of many scripts, broken, and full of what looks like a fingerprint. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      fc.constantFrom(
        '[rt1:',
        mark,
        `[${other.fingerprint} g:6af0c85437 host:`,
        ']',
        '[',
        '\ud83d',
        '👩‍👩‍👧‍👦',
        ' ',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const hosts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 });
const fingerprints = fc
  .string({
    unit: fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz234567')),
    minLength: 26,
    maxLength: 26,
  })
  .map((text) => `rt1:${text}`);

test('whatever the text, the fingerprint fits in 256 bytes and is read back', () => {
  fc.assert(
    fc.property(texts, hosts, fingerprints, (text, host, fingerprint) => {
      const described = describeRun(text, { ...carried, host, fingerprint }, 256);
      expect(Buffer.byteLength(described)).toBeLessThanOrEqual(256);
      const back = carriedBy(described);
      expect(back).toMatchObject({ fingerprint, generation: carried.generation });
      expect(host.replaceAll(/[\]\r\n]/g, '_').startsWith(back?.host ?? '?')).toBe(true);
      // And it is the only one: nothing in the text can be taken for another run's.
      expect(described.split('[rt1:')).toHaveLength(2);
    }),
    { numRuns: 2_000 },
  );
});

describe('what a description carries', () => {
  test.each<{ name: string; description: string; is: Carried | null }>([
    { name: 'nothing, when there is no bracket', description: 'weekly plan', is: null },
    { name: 'nothing, when the bracket was cut', description: mark.slice(0, -1), is: null },
    {
      name: 'nothing, when the fingerprint is too short',
      description: mark.replace('2y g', ' g'),
      is: null,
    },
    {
      name: 'the last bracket’s, when there are several',
      description: `${mark.replace(carried.fingerprint, other.fingerprint)} and ${mark}`,
      is: carried,
    },
    {
      name: 'the bracket’s, when somebody wrote something behind it',
      description: `${mark} checked`,
      is: carried,
    },
  ])('is $name', ({ description, is }) => {
    expect(carriedBy(description)).toEqual(is);
  });
});

describe('cutting', () => {
  test('gives valid UTF-8 that is a beginning of the text, as long as it can be', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.nat(120), (text, bytesMax) => {
        const cut = cutUtf8(text, bytesMax);
        expect(text.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytesMax);
        const next = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)]
          .map(({ segment }) => segment)
          .find((_, index, all) => all.slice(0, index).join('') === cut);
        if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(bytesMax);
        else expect(cut).toBe(text);
      }),
    );
  });

  test('keeps a family together', () => {
    expect(cutUtf8('a👩‍👩‍👧‍👦', 20)).toBe('a');
  });
});

test('the space around a text is not kept, nor the space at which it is cut', () => {
  const carried = { fingerprint: `rt1:${'a'.repeat(26)}`, generation: '0123456789', host: 'h' };
  const mark = `[${carried.fingerprint} g:0123456789 host:h]`;
  expect(describeRun('  a text \n', carried, 256)).toBe(`a text ${mark}`);
  expect(describeRun('   ', carried, 256)).toBe(mark);
  expect(describeRun('two words', carried, mark.length + 5)).toBe(`two ${mark}`);
});

test.each([
  { text: 'abc', bytesMax: 3, is: 'abc' },
  { text: 'abc', bytesMax: 2, is: 'ab' },
  { text: 'äb', bytesMax: 3, is: 'äb' },
  { text: 'äb', bytesMax: 1, is: '' },
  { text: 'a👩‍👩‍👧b', bytesMax: 18, is: 'a' },
  { text: 'a👩‍👩‍👧b', bytesMax: 19, is: 'a👩‍👩‍👧' },
])('$text cut to $bytesMax bytes is $is', ({ text, bytesMax, is }) => {
  expect(cutUtf8(text, bytesMax)).toBe(is);
});
