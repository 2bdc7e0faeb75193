/** The parts that the tables are made of. */
import { describe, expect, test } from 'vitest';
import { LineReader, lineBytesMax } from '../../src/solverlog/lines.ts';
import { numberIn, numberOf } from '../../src/solverlog/numbers.ts';
import { loggerNameLength, Prefix } from '../../src/solverlog/prefix.ts';
import { Series, seriesPointsMax } from '../../src/solverlog/series.ts';
import { template } from '../../src/solverlog/template.ts';

describe('a template', () => {
  const match = (source: string, line: string, isCut = false): object | null => {
    const fields = template(source).match(line, isCut);
    return fields === null ? null : Object.fromEntries<number | string>([...fields.numbers, ...fields.texts]);
  };

  test.each<{ source: string; line: string; is: object | null }>([
    {
      source: 'Best objective {a}, best bound {b}, gap {c}%',
      line: 'Best objective 4.1e+04, best bound -5, gap 0.94%',
      is: { a: 41000, b: -5, c: 0.94 },
    },
    { source: 'Best objective {a}, best', line: 'Best objective 4,19e+04, best', is: { a: 41900 } },
    { source: 'gap {c}', line: 'gap -', is: {} },
    { source: 'a : {x}', line: '   a   \t:  1', is: { x: 1 } },
    { source: 'a {x}', line: 'a', is: null },
    { source: 'a {x:word} |', line: 'a v1.2.3. | more', is: { x: 'v1.2.3' } },
    {
      source: 'by {how:text} after {n} rounds',
      line: 'by strong branching after 3 rounds and more',
      is: { how: 'strong branching', n: 3 },
    },
    { source: 'error: {what:text}', line: 'error: no such file ', is: { what: 'no such file' } },
    { source: 'Timeout$', line: 'Timeout  ', is: {} },
    { source: 'Timeout$', line: 'Timeouts', is: null },
    { source: '{a} rows, {} columns', line: '5 rows, 40 columns, 200 non-zeros', is: { a: 5 } },
    { source: 'took {t}s/', line: 'took 0.34s/ 1%', is: { t: 0.34 } },
    { source: "name '{n:text}' - run #{}", line: "name '' - run #1", is: { n: '' } },
  ])('$source on $line', ({ source, line, is }) => {
    expect(match(source, line)).toEqual(is);
  });

  test('a field at the end of a line that was cut may be half of something', () => {
    expect(match('value {a}', 'value 12', true)).toBeNull();
    expect(match('value {a} s', 'value 12 s', true)).toEqual({ a: 12 });
  });
});

describe('a number', () => {
  test.each<[string, number]>([
    ['0', 0],
    ['-0', -0],
    ['12.5', 12.5],
    ['.000000', 0],
    ['-18982.00000', -18982],
    ['+1.40070000000000e+04', 14007],
    ['1e-07', 1e-7],
    ['4.193200000000e+04', 41932],
    ['12345678901234567890', Number('12345678901234567890')],
    ['1.7976931348623157e+308', 1.7976931348623157e308],
    ["6'158", 6158],
    ['0,944', 0.944],
    ['12,5', 12.5],
    ['1,234', NaN],
    ['-', NaN],
    ['+', NaN],
    ['', NaN],
    ['inf', NaN],
    ['1.2.3', NaN],
    ['0x10', NaN],
    ['1e', NaN],
    ['9'.repeat(60), NaN],
  ])('%j', (text, is) => {
    const bytes = Buffer.from(`<${text}>`);
    expect(numberIn(bytes, 1, bytes.length - 1)).toBe(is);
    if (text.length < 40) expect(numberOf(text)).toBe(is);
  });
});

describe('lines', () => {
  type Line = [number: number, text: string, isCut: boolean];

  const linesIn = (pieces: readonly Uint8Array[]): Line[] => {
    const lines: Line[] = [];
    const reader = new LineReader(
      (bytes, from, to, number, isCut) =>
        lines.push([number, Buffer.from(bytes.subarray(from, to)).toString('latin1'), isCut]),
      () => undefined,
    );
    for (const piece of pieces) reader.push(piece);
    reader.end();
    return lines;
  };
  const linesOf = (...pieces: readonly string[]): Line[] =>
    linesIn(pieces.map((piece) => Buffer.from(piece, 'latin1')));

  test('end in LF, CRLF, CR or nothing, and keep their numbers', () => {
    expect(linesOf('a\nb\r', '\n\nc\rd\n', 'e', 'f')).toEqual([
      [1, 'a', false],
      [2, 'b', false],
      [4, 'c', false],
      [4, 'd', false],
      [5, 'ef', true],
    ]);
  });

  test('end at a line end and at no other byte, wherever a piece begins in memory and however long it is', () => {
    const every = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
    const text = `${every}\n${every.slice(128)}${every}\n\r\r\nabc\r`;
    const expected = text.split('\n').flatMap((line, index) =>
      line
        .split('\r')
        .filter((part) => part !== '')
        .map((part): Line => [index + 1, part, false]),
    );
    for (const before of [0, 1, 2, 3])
      for (const length of [1, 2, 3, 4, 5, 7, 64, text.length]) {
        const memory = Buffer.from(' '.repeat(before) + text, 'latin1').subarray(before);
        const pieces = Array.from({ length: Math.ceil(memory.length / length) }, (_, piece) =>
          memory.subarray(piece * length, (piece + 1) * length),
        );
        expect(linesIn(pieces)).toEqual(expected);
      }
  });

  test('are cut where no solver writes on', () => {
    const [long, next] = linesOf('x'.repeat(lineBytesMax), 'yyy', 'zzz\nnext\n');
    expect(long?.[1]).toHaveLength(lineBytesMax);
    expect(next).toEqual([2, 'next', false]);
  });
});

describe('what stands before a line', () => {
  test.each<[string, string]>([
    ['2026-11-22 03:12:44,123 INFO Line', 'Line'],
    ['2026-11-22 03:12:44,123 INFO     Line', '    Line'],
    ['2026-11-22T03:12:44.123Z Line', 'Line'],
    ['2026-11-22 03:12:44 - WARNING -  Line', ' Line'],
    ['[2026-11-22 03:12:44] [info] Line', 'Line'],
    ['[03:12:44.5] Line', 'Line'],
    ['1732243964.123 Line', 'Line'],
    ['INFO:root:   Line', '   Line'],
    ['[INFO] Line', 'Line'],
    ['solver-1  | Line', 'Line'],
    ['solver-1  |   Line', '  Line'],
    ['Nov 22 03:12:44 host plan[12]: Line', 'Line'],
    ['2026-11-22T03:12:44.1Z stdout F Line', 'Line'],
    ['solver-1  | 2026-11-22 03:12:44,1 INFO Line', 'Line'],
    ['\u001b[32msolver-1  | Line', 'Line'],
    ['p 0.1s|     1 |     0 | row', 'p 0.1s|     1 |     0 | row'],
    ['0  Obj 0 Primal inf 1411 (40)', '0  Obj 0 Primal inf 1411 (40)'],
    ['H    0     0    39400.000000', 'H    0     0    39400.000000'],
    ['Version: 2.10.8', 'Version: 2.10.8'],
    ['Objective value: 12', 'Objective value: 12'],
    ['12 rows, 3 columns', '12 rows, 3 columns'],
  ])('%s', (line, rest) => {
    const bytes = Buffer.from(line, 'latin1');
    const prefix = new Prefix();
    for (let time = 0; time < 2; time += 1) {
      expect(bytes.subarray(prefix.end(bytes, 0, bytes.length)).toString('latin1')).toBe(rest);
    }
  });

  test('a logger’s name', () => {
    expect(loggerNameLength('planner.solve: Line')).toBe('planner.solve: '.length);
    expect(loggerNameLength('[planner] Line')).toBe('[planner] '.length);
    expect(loggerNameLength('Line')).toBe(0);
  });
});

describe('a series', () => {
  test('has changes only, and time goes on', () => {
    const series = new Series();
    for (const [seconds, value] of [
      [0, 5],
      [1, 5],
      [2, 4],
      [1, 3],
      [NaN, 2],
      [3, 1],
    ] as const)
      series.add(seconds, value);
    expect(series.points).toEqual([
      [0, 5],
      [2, 4],
      [3, 1],
    ]);
  });

  test.each([seriesPointsMax - 1, seriesPointsMax, seriesPointsMax + 1, 2 * seriesPointsMax + 1, 54_321])(
    'of %d changes keeps the first, the last and an even part',
    (changes) => {
      const series = new Series();
      for (let at = 0; at < changes; at += 1) series.add(at, at);
      const { points } = series;
      expect(points.length).toBeLessThanOrEqual(seriesPointsMax);
      expect(points.length).toBeGreaterThanOrEqual(Math.min(changes, seriesPointsMax / 2));
      expect(points[0]).toEqual([0, 0]);
      expect(points.at(-1)).toEqual([changes - 1, changes - 1]);
      const steps = new Set(points.slice(1, -1).map(([seconds], at) => seconds - (points[at]?.[0] ?? 0)));
      expect(steps.size).toBeLessThanOrEqual(1);
    },
  );
});
