/**
 * The layout of these hashes is a promise: a digest that came out differently one day would send a whole history again.
 * The golden values were worked out by a second implementation, in Python, from the words of the design. If one of
 * them has to change, `identityVersion` has to change with it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareUtf8,
  fingerprintOf,
  generationOf,
  identityVersion,
  membersDigest,
  type Content,
  type ContentFile,
  type Key,
} from '../../src/core/identity.ts';

const input: ContentFile = {
  role: 'input',
  path: 'input.json',
  bytes: 18,
  sha256: 'ea85bad76d9e7e6348cfb9f9c4e9719f67d061b7e520c5b57175e9a0be127d8e',
};
const output: ContentFile = {
  role: 'output',
  path: 'output.json',
  bytes: 32,
  sha256: '3a7f011ed523a799b1f31eb9f11219d2a6b9701eef72314fed530c062f30a5a0',
};
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const emptyFile = (role: ContentFile['role'], path: string): ContentFile => ({
  role,
  path,
  bytes: 0,
  sha256: empty,
});

const seed: Content = { files: [input, output], status: 'succeeded', appId: null };
const key: Key = {
  version: 1,
  platform: 'https://api.cloud.nextmv.io',
  app: 'hare-app',
  host: 'solver-7',
  dropRoot: 'plans',
  firstPath: '2026-01-01/weekly',
  generation: '6af0c8543790f5016b60690c9b81b1f8449825012d592bd7eed395fdc664cf26',
  counter: 1,
};

test('the version of the layout is 1', () => {
  expect(identityVersion).toBe(1);
});

describe('a generation', () => {
  test.each<{ name: string; content: Content; is: string }>([
    {
      name: 'of the seed example',
      content: seed,
      is: '6af0c8543790f5016b60690c9b81b1f8449825012d592bd7eed395fdc664cf26',
    },
    {
      name: 'with an inferred status, which is left out',
      content: { ...seed, status: null },
      is: 'e470f3bf27515ea0fb54175454e0e663430198644e7f1a8f3dfa0bcbdb256cc9',
    },
    {
      name: 'of nothing',
      content: { files: [], status: null, appId: null },
      is: 'f4e360483cf43aeffd74d183b800082c11c7246841f1150e84560db5e7b178b5',
    },
    {
      name: 'of every other role, with an app and a name that is not ASCII',
      content: {
        files: [
          emptyFile('input', 'entrée/ü.txt'),
          emptyFile('metrics', 'metrics.json'),
          emptyFile('statistics', 's'),
          emptyFile('assets', 'a'),
        ],
        status: 'failed',
        appId: 'hare-app',
      },
      is: '12aa4be8ed2477bd19b35b0efadd3e6a6ef402cc9e451292c747ab23a078f0a7',
    },
    {
      name: 'of names whose order by UTF-8 bytes is not that by UTF-16',
      content: {
        files: [emptyFile('input', 'input/😀'), emptyFile('input', 'input/～')],
        status: null,
        appId: null,
      },
      is: '670ce1433001e5637192a51225d1c9e5b602e5bb6b8d3cbeceaecb0c520feb65',
    },
  ])('$name is what it always was', ({ content, is }) => {
    expect(generationOf(content)).toBe(is);
  });

  test.each<{ name: string; content: Content }>([
    { name: 'the role', content: { ...seed, files: [{ ...input, role: 'metrics' }, output] } },
    { name: 'the path', content: { ...seed, files: [{ ...input, path: 'Input.json' }, output] } },
    { name: 'the size', content: { ...seed, files: [{ ...input, bytes: 19 }, output] } },
    { name: 'the bytes', content: { ...seed, files: [{ ...input, sha256: empty }, output] } },
    { name: 'a file more', content: { ...seed, files: [input, output, emptyFile('assets', 'a')] } },
    { name: 'a file less', content: { ...seed, files: [input] } },
    { name: 'the status', content: { ...seed, status: 'failed' } },
    { name: 'an inferred status', content: { ...seed, status: null } },
    { name: 'the app', content: { ...seed, appId: 'hare-app' } },
    { name: 'an app of the status’s name', content: { ...seed, status: null, appId: 'succeeded' } },
  ])('is another one when $name differs', ({ content }) => {
    expect(generationOf(content)).not.toBe(generationOf(seed));
  });

  test('takes names as they are: two spellings of one letter are two names', () => {
    const composed = { ...seed, files: [emptyFile('input', '\u00e9')] };
    const decomposed = { ...seed, files: [emptyFile('input', 'e\u0301')] };
    expect(generationOf(composed)).not.toBe(generationOf(decomposed));
  });

  const files = fc.uniqueArray(
    fc.record({
      role: fc.constantFrom('input' as const, 'output' as const, 'assets' as const),
      path: fc.string({ unit: 'grapheme', maxLength: 6 }),
      bytes: fc.nat(),
      sha256: fc.constantFrom(empty, input.sha256),
    }),
    { selector: ({ role, path }) => `${role} ${path}`, maxLength: 6 },
  );

  test('does not depend on the order in which files were found', () => {
    fc.assert(
      fc.property(files, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), (found, chances) => {
        const shuffled = found
          .map((file, index) => ({ file, at: chances[index] ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ file }) => file);
        expect(generationOf({ ...seed, files: shuffled })).toBe(generationOf({ ...seed, files: found }));
      }),
    );
  });

  test('is the same only for the same content', () => {
    const told = (content: Content): string =>
      JSON.stringify([
        content.files.map((file) => JSON.stringify(file)).sort(),
        content.status,
        content.appId,
      ]);
    const contents = fc.record({
      files,
      status: fc.constantFrom(null, 'succeeded', 'failed'),
      appId: fc.constantFrom(null, 'succeeded', 'hare-app'),
    });
    fc.assert(
      fc.property(contents, contents, (a, b) => {
        expect(generationOf(a) === generationOf(b)).toBe(told(a) === told(b));
      }),
    );
  });
});

describe('the files of an archive', () => {
  test('have the digest that the design gives them, however they are named', () => {
    const paths = [
      'output/a/b',
      'output/🚚',
      `output/${'long/'.repeat(20_000)}`,
      'output/\uffee',
      'output/a',
    ];
    expect(membersDigest(paths.map((path) => emptyFile('output', path)))).toBe(
      '3102570798e1f4e60ebb85bf447c30db67dace4970a3551c7dbdae15b402f8f8',
    );
  });

  test('are ten thousand in a generation like one', () => {
    const files = Array.from({ length: 10_000 }, (_, n) => ({
      ...emptyFile('input', `input/${String((n * 7_919) % 10_000)}.csv`),
      bytes: n,
    }));
    expect(generationOf({ files, status: 'succeeded', appId: null })).toBe(
      'aed802aee4940bcc2323104fc1411b705d9e7faf0fa9434ca1bb64f86f180084',
    );
  });

  test('stand in the order of their bytes', () => {
    const names = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2_000 },
    );
    expect(compareUtf8('\uffee', '🚚')).toBeLessThan(0);
  });
});

describe('a fingerprint', () => {
  test.each<{ name: string; key: Key; is: string }>([
    { name: 'of the seed example', key, is: 'rt1:tgudvqiqgvgmlhf7qqdrdp7y2y' },
    {
      name: 'of its deliberate second run',
      key: { ...key, counter: 2 },
      is: 'rt1:fktnem37bt62jvbkkh32vs4zni',
    },
    {
      name: 'of names that are not ASCII',
      key: {
        version: 1,
        platform: 'stand-in:0123',
        app: 'löwe',
        host: 'höst',
        dropRoot: 'r',
        firstPath: 'p',
        generation: '',
        counter: 1,
      },
      is: 'rt1:muwlavqawuwtcodsjmfaxs3s7u',
    },
  ])('$name is what it always was', ({ key: of, is }) => {
    expect(fingerprintOf(of)).toBe(is);
  });

  test.each(
    (Object.keys(key) as (keyof Key)[]).map((field): { field: keyof Key; other: Key } => {
      const value = key[field];
      return { field, other: { ...key, [field]: typeof value === 'number' ? value + 1 : `${value}x` } };
    }),
  )('is another one when the $field differs', ({ other }) => {
    expect(fingerprintOf(other)).not.toBe(fingerprintOf(key));
  });

  test('tells fields apart by their lengths: a letter that moves to the next field makes another key', () => {
    const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(texts, texts, texts, (a, b, c) => {
        const left = fingerprintOf({ ...key, dropRoot: a + b, firstPath: c });
        expect(left).not.toBe(fingerprintOf({ ...key, dropRoot: a, firstPath: b + c }));
      }),
    );
  });

  test('is `rt1:` and 26 characters of base32, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (firstPath, counter) => {
        expect(fingerprintOf({ ...key, firstPath, counter })).toMatch(/^rt1:[a-z2-7]{26}$/);
      }),
    );
  });
});
