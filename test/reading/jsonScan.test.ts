import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonProblem, JsonScanner, type JsonShape } from '../../src/reading/jsonScan.ts';

/** Scans the bytes in pieces of the given sizes, over and over; one piece when there are none. */
function scan(
  text: string | Uint8Array,
  sizes: readonly number[] = [],
  depthMax = 100,
  wanted: readonly string[] = [],
): JsonShape {
  const bytes = Buffer.from(text);
  const scanner = new JsonScanner(depthMax, wanted);
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[piece % sizes.length] ?? 1);
    scanner.push(bytes.subarray(at, at + size));
    at += size;
  }
  return scanner.end();
}

function problemOf(text: string | Uint8Array, sizes?: readonly number[]): JsonProblem | null {
  try {
    scan(text, sizes);
    return null;
  } catch (error) {
    if (error instanceof JsonProblem) return error;
    throw error;
  }
}

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 });
const strings = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', '"', '\\', '\u2028', '😀', '\u0000'),
);
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      strings,
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(strings, tie('value'), { maxKeys: 4 }),
  ),
}));
const documents = fc
  .tuple(values, fc.constantFrom('', ' ', '\n\t'))
  .map(([value, space]) => `${space}${JSON.stringify(value, null, space)}${space}`);

describe('a document that JSON.parse takes', () => {
  test('is taken too, in whatever pieces it comes, with its kind, its keys and its end', () => {
    fc.assert(
      fc.property(documents, sizes, (text, pieces) => {
        const value: unknown = JSON.parse(text);
        const own = Object.keys(Object(value) as object);
        const shape = scan(text, pieces, 100, own);
        const kind =
          value === null || typeof value === 'boolean'
            ? 'literal'
            : Array.isArray(value)
              ? 'array'
              : typeof value;
        expect(shape.topLevel).toBe(kind);
        if (kind !== 'object' && kind !== 'array') return;
        expect(shape.isEmpty).toBe(own.length === 0);
        expect(Buffer.from(text)[shape.closeOffset]).toBe((kind === 'object' ? '}' : ']').charCodeAt(0));
        if (kind !== 'object') return;
        const short = own.filter((key) => Buffer.byteLength(JSON.stringify(key)) <= 66);
        expect([...shape.keys].sort()).toEqual(short.sort());
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes a member more at its end', () => {
    fc.assert(
      fc.property(fc.dictionary(strings, values), fc.constantFrom('', '  '), (object, space) => {
        const text = JSON.stringify(object, null, space);
        const { closeOffset, isEmpty } = scan(text);
        const bytes = Buffer.from(text);
        const member = Buffer.from(`${isEmpty ? '' : ','}"metrics":{"gap":0}`);
        const added = Buffer.concat([bytes.subarray(0, closeOffset), member, bytes.subarray(closeOffset)]);
        expect(JSON.parse(added.toString())).toEqual({
          ...(JSON.parse(text) as object),
          metrics: { gap: 0 },
        });
      }),
    );
  });
});

test('a document with one mistake is taken exactly when JSON.parse takes it, in whatever pieces it comes', () => {
  const mistakes = fc.record({
    at: fc.nat(),
    cut: fc.nat(3),
    put: fc.oneof(
      fc.constantFrom(...Array.from('{}[]",:0123-+.eEtrufalsn\\/ \n\t\u0001x')),
      fc.constantFrom('', '00', '1.', '\\u00', 'NaN', '//', 'nulll', '1e', '-'),
    ),
  });
  let taken = 0;
  fc.assert(
    fc.property(documents, fc.array(mistakes, { minLength: 1, maxLength: 2 }), sizes, (text, all, pieces) => {
      let mutated = text;
      for (const { at, cut, put } of all) {
        const from = at % (mutated.length + 1);
        mutated = mutated.slice(0, from) + put + mutated.slice(from + cut);
      }
      // Half of a surrogate pair is no text: on disk it would be another character.
      mutated = Buffer.from(mutated).toString();
      if (isParsed(mutated)) taken += 1;
      expect(problemOf(mutated, pieces) === null).toBe(isParsed(mutated));
    }),
    { numRuns: 10_000 },
  );
  // A test in which nothing is ever taken, or everything is, would show nothing.
  expect(taken).toBeGreaterThan(500);
  expect(taken).toBeLessThan(9_500);
});

describe('any bytes', () => {
  const places = fc.array(
    fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.integer({ min: 0x80, max: 0xff })) }),
    {
      maxLength: 2,
    },
  );

  test('are taken exactly when they are UTF-8 that JSON.parse takes, wherever they are cut', () => {
    const isText = (bytes: Uint8Array): boolean => {
      try {
        return isParsed(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
      } catch {
        return false;
      }
    };
    let taken = 0;
    fc.assert(
      fc.property(documents, places, fc.nat(), sizes, (text, changes, cut, pieces) => {
        let bytes = Buffer.from(text);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        if (cut % 4 === 0) bytes = bytes.subarray(0, cut % bytes.length);
        if (isText(bytes)) taken += 1;
        expect(problemOf(bytes, pieces) === null).toBe(isText(bytes));
      }),
      { numRuns: 10_000 },
    );
    expect(taken).toBeGreaterThan(500);
    expect(taken).toBeLessThan(9_500);
  });

  test('are told the same of, cut in two at each place and into single bytes', () => {
    const told = (bytes: Uint8Array, pieces: readonly number[]): unknown => {
      try {
        return scan(bytes, pieces, 3, ['', 'a', '__proto__', '😀']);
      } catch (error) {
        if (!(error instanceof JsonProblem)) throw error;
        return [error.message, error.lastingHint];
      }
    };
    const odd = fc.constantFrom(
      '"a":1,',
      '"\\u0061":',
      '1.2.3',
      '-',
      'NaN',
      'nul',
      '\n',
      '\\u12',
      '\u0000',
      '[[[',
    );
    fc.assert(
      fc.property(documents, fc.nat(), odd, fc.boolean(), (text, place, put, isPut) => {
        const at = place % (text.length + 1);
        const bytes = Buffer.from(isPut ? text.slice(0, at) + put + text.slice(at) : text);
        const whole = told(bytes, []);
        expect(told(bytes, [1])).toEqual(whole);
        for (let cut = 1; cut < bytes.length; cut += 1)
          expect(told(bytes, [cut, bytes.length])).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is wrong is named with its line', () => {
  test.each<{ name: string; text: string | Uint8Array; says: string }>([
    { name: 'nothing at all', text: '', says: 'line 1: is empty' },
    { name: 'white space alone', text: ' \n ', says: 'line 2: is empty' },
    { name: 'a document that is cut short', text: '{\n"a": [1,\n', says: 'line 3: ends too early' },
    { name: 'a text that is cut short', text: '{"a": "b', says: 'line 1: ends too early' },
    { name: 'a number with a zero in front', text: '[012]', says: 'line 1: "012" is no number' },
    { name: 'a word that is no value', text: '[nil]', says: 'line 1: "nil" is no value' },
    { name: 'a byte order mark in the middle', text: '{}\ufeff', says: 'line 1: nothing may follow the end' },
    { name: 'a comma too many', text: '[1,]', says: 'line 1: a value was due, found "]"' },
    { name: 'a comma too few', text: '{"a":1\n"b":2}', says: 'line 2: a comma or } was due, found """' },
    { name: 'a bracket of the wrong kind', text: '[1}', says: 'line 1: a comma or ] was due, found "}"' },
    { name: 'a name without quotes', text: '{a:1}', says: 'line 1: a name in quotes was due, found "a"' },
    { name: 'a second document', text: '{}\n{}', says: 'line 2: nothing may follow the end, found "{"' },
    { name: 'a comment', text: '// yes\n{}', says: 'line 1: a value was due, found "/"' },
    { name: 'an unknown escape', text: '"\\x"', says: 'line 1: an unknown escape, found "x"' },
    { name: 'a short escape', text: '"\\u12g4"', says: 'line 1: four hex digits were due, found "g"' },
    {
      name: 'a control character',
      text: '"a\tb"',
      says: 'line 1: a control character in a text, found byte 0x09',
    },
    { name: 'text in Latin-1', text: Uint8Array.of(0x22, 0xfc, 0x22), says: 'line 1: is not UTF-8 text' },
    {
      name: 'text in Latin-1 further down',
      text: Buffer.from('{"a":1,\n"ü":\n"ü"}', 'latin1'),
      says: 'line 2: is not',
    },
    {
      name: 'a Latin-1 letter before a line end',
      text: Buffer.from('{"a":\n"é\n"}', 'latin1'),
      says: 'line 2: is not UTF-8 text',
    },
    {
      name: 'text in Latin-1 after other text',
      text: Buffer.concat([Buffer.from('["é",\n"é",\n"'), Uint8Array.of(0xe9, 0x22, 0x5d)]),
      says: 'line 3: is not UTF-8 text',
    },
    {
      name: 'half a surrogate pair',
      text: Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22),
      says: 'is not UTF-8 text',
    },
    {
      name: 'a character beyond the last',
      text: Uint8Array.of(0x22, 0xf4, 0x90, 0x80, 0x80, 0x22),
      says: 'is not UTF-8',
    },
    { name: 'half a character', text: Uint8Array.of(0x22, 0xc3), says: 'line 1: is not UTF-8 text' },
    { name: 'an overlong spelling', text: Uint8Array.of(0x22, 0xc0, 0xa2, 0x22), says: 'is not UTF-8 text' },
  ])('$name', ({ text, says }) => {
    for (const pieces of [[], [1], [3, 2]]) {
      const problem = problemOf(text, pieces);
      expect(problem?.message).toContain(says);
      // More of the file may mend any of them: a solver may still be writing.
      expect(problem?.lastingHint).toBeNull();
    }
  });

  test.each([
    { name: 'NaN', text: '{"a":\nNaN}', says: 'line 2: NaN and Infinity are not JSON' },
    { name: 'Infinity', text: '[Infinity]', says: 'line 1: NaN and Infinity are not JSON' },
    { name: 'minus Infinity', text: '[-Infinity]', says: 'line 1: NaN and Infinity are not JSON' },
    { name: 'a byte order mark', text: '\ufeff{}', says: 'line 1: begins with a byte order mark' },
  ])('$name is refused for good, with what to do', ({ text, says }) => {
    for (const pieces of [[], [1], [3, 2]]) {
      const problem = problemOf(text, pieces);
      expect(problem?.message).toBe(says);
      expect(problem?.lastingHint).toMatch(/^Write /);
    }
  });

  test.each([
    { name: 'one of a megabyte', text: '1'.repeat(1_000_000) },
    { name: 'one digit too many', text: `-${'1'.repeat(10_000)}` },
    { name: 'one digit too many behind the point', text: `0.${'1'.repeat(9_999)}` },
  ])('a number is refused before it is held: $name', ({ text }) => {
    for (const pieces of [[], [1], [7], [5_000], [9_999], [20_000]])
      expect(problemOf(`[0,\n${text}]`, pieces)?.message).toBe('line 2: a number is far too long');
  });

  test('a number of ten thousand digits is one', () => {
    for (const pieces of [[], [1], [5_000], [9_999]])
      expect(problemOf(`[1,${'1'.repeat(10_000)},1]`, pieces)).toBeNull();
  });
});

describe('nesting', () => {
  const nested = (levels: number, open: string, close: string): string =>
    open.repeat(levels) + close.repeat(levels);

  test.each([
    { name: 'arrays', open: '[', close: ']' },
    { name: 'objects', open: '{"a":', close: '}' },
  ])('of $name is taken to the limit, and refused for good beyond it', ({ open, close }) => {
    const inner = open === '[' ? '' : '1';
    expect(() => scan(open.repeat(100) + inner + close.repeat(100))).not.toThrow();
    const problem = problemOf(open.repeat(101) + inner + close.repeat(101));
    expect(problem?.message).toBe('line 1: is nested deeper than 100 levels');
    expect(problem?.lastingHint).toContain('limits.json_depth');
  });

  test('of 100,000 levels ends at the limit', () => {
    expect(problemOf(nested(100_000, '[', ']'))?.lastingHint).not.toBeNull();
  });
});

describe('a name that stands twice', () => {
  const table = (names: number, first = 'n'): string =>
    Array.from({ length: names }, (_, n) => `"${first}${String(n)}":0`).join(',');
  test.each<{ name: string; text: string; line: number | null }>([
    { name: 'at the top', text: '{"a":1,\n"b":2,\n"a":3}', line: 3 },
    { name: 'deep down', text: '{"a":[{"b":{"c":1,\n"c":2}}]}', line: 2 },
    { name: 'with an escape in it', text: '{"\\u0061\\n":1,"\\u0061\\n":2}', line: 1 },
    { name: 'after an object that ended', text: '{"a":{"x":1},\n"b":2,"a":3}', line: 2 },
    { name: 'the first of many', text: `{${table(1_000)},"n0":1}`, line: 1 },
    { name: 'in two objects', text: '[{"a":1},{"a":2},{"b":{"a":3}}]', line: null },
    { name: 'as a name and as a text', text: '{"a":"b","b":"a"}', line: null },
    { name: 'but for its case', text: '{"a":1,"A":2,"":3,"a ":4}', line: null },
    { name: 'the last of those that are remembered', text: `{${table(64)},"n63":1}`, line: 1 },
    {
      name: 'as the last of a table within a table',
      text: `{${table(99)},\n"a":{${table(99)},\n"n0":1}}`,
      line: 3,
    },
    {
      name: 'in a table after a table in it',
      text: `{${table(99)},\n"a":{"b":{${table(99)}}},\n"n9":1}`,
      line: 3,
    },
    { name: 'in the second table', text: `[{${table(99)}},{${table(99, 'm')},\n"m7":0}]`, line: 2 },
    { name: 'in two tables', text: `[{${table(99)}},{${table(99)}}]`, line: null },
    { name: 'in a table and a table in it', text: `{${table(99)},"a":{${table(99)}},"b":[]}`, line: null },
    { name: 'in none of ten thousand', text: `{${table(10_000)}}`, line: null },
    { name: 'in none of many open objects', text: `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`, line: null },
  ])('$name', ({ text, line }) => {
    for (const pieces of [[], [1], [3, 2]]) expect(scan(text, pieces).repeatedAtLine).toBe(line);
  });
});

describe('keys', () => {
  test.each<{ name: string; text: string; keys: string[] }>([
    {
      name: '`__proto__` is a name like any other',
      text: '{"__proto__":{"a":1},"b":2}',
      keys: ['__proto__', 'b'],
    },
    { name: 'escapes are read', text: '{"\\u006d\\u0065trics":1,"a\\"b":2}', keys: ['metrics', 'a"b'] },
    {
      name: 'keys of inner objects are none of the document',
      text: '{"a":{"metrics":1},"b":[{"assets":2}]}',
      keys: ['a', 'b'],
    },
    { name: 'a very long name is left out', text: `{"${'k'.repeat(100_000)}":1,"b":2}`, keys: ['b'] },
    { name: 'texts that look like names are none', text: '{"a":"metrics","b":["assets"]}', keys: ['a', 'b'] },
  ])('$name', ({ text, keys }) => {
    for (const pieces of [[], [1], [5]]) {
      const wanted = ['a', 'b', 'a"b', '__proto__', 'metrics', 'assets', 'k'.repeat(100_000)];
      expect([...scan(text, pieces, 100, wanted).keys]).toEqual(keys);
    }
  });

  test('of a million members only the wanted ones are kept, however far back they stand', () => {
    const text = `{${Array.from({ length: 1_000_000 }, (_, n) => `"k${n}":0`).join(',')},"metrics":{}}`;
    expect([...scan(text, [], 100, ['metrics', 'assets']).keys]).toEqual(['metrics']);
  });
});

test('200 MB go through without being held', { timeout: 120_000 }, () => {
  // In a process of its own, whose peak of memory is then this scan's.
  const scanner = new URL('../../dist/reading/jsonScan.js', import.meta.url).href;
  const script = `
    import { JsonScanner } from ${JSON.stringify(scanner)};
    const scanner = new JsonScanner(10, ['rows']);
    const row = Buffer.from('{"name":"a text with an \\\\u00fc escape","values":[1,2.5,-3e7,true,null]},'.repeat(4_000));
    scanner.push(Buffer.from('{"rows":['));
    const before = process.resourceUsage().maxRSS;
    let bytes = 0;
    for (; bytes < 200e6; bytes += row.length) scanner.push(row);
    const grown = process.resourceUsage().maxRSS - before;
    scanner.push(Buffer.from('0]}'));
    const { topLevel, keys } = scanner.end();
    console.log(JSON.stringify({ bytes, grownKb: grown, topLevel, keys: [...keys] }));
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-semi-space-size=4', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  const result = JSON.parse(stdout) as { bytes: number; grownKb: number; topLevel: string; keys: string[] };
  expect(result).toMatchObject({ topLevel: 'object', keys: ['rows'] });
  expect(result.bytes).toBeGreaterThanOrEqual(200e6);
  // Garbage of the decoder comes and goes; a tenth of the document would be a leak.
  expect(result.grownKb).toBeLessThan(64 * 1024);
});
