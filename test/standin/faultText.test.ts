/** Faults in one line: what each says, what is wrong with others, and that none is lost in being shown. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultText, parseFault, type Fault } from '../../src/standin/faultText.ts';
import { requestKinds } from '../../src/standin/requestKind.ts';

test.each<{ text: string; is: Fault }>([
  {
    text: 'create:drop-after:3',
    is: { aim: { kind: ['create'] }, misbehaviour: { kind: 'drop', when: 'after' }, times: 3 },
  },
  {
    text: 'any:drop-before',
    is: { aim: {}, misbehaviour: { kind: 'drop', when: 'before' }, times: 1 },
  },
  {
    text: 'uploadurl:429,retry-after=2:always',
    is: {
      aim: { kind: ['uploadurl'] },
      misbehaviour: { kind: 'answer', status: 429, retryAfter: '2' },
      times: Infinity,
    },
  },
  {
    text: 'list+metadata,app=hare-app,skip=1:503',
    is: {
      aim: { kind: ['list', 'metadata'], app: 'hare-app', skip: 1 },
      misbehaviour: { kind: 'answer', status: 503 },
      times: 1,
    },
  },
  {
    text: 'create:504,retry-after=Sun%2C 22 Nov 2026 03%3A26%3A41 GMT,body=<p>100%25,carried-out',
    is: {
      aim: { kind: ['create'] },
      misbehaviour: {
        kind: 'answer',
        status: 504,
        retryAfter: 'Sun, 22 Nov 2026 03:26:41 GMT',
        body: '<p>100%',
        carriedOut: true,
      },
      times: 1,
    },
  },
  {
    text: 'create:307,location=https%3A//elsewhere.example.com/runs?a=1',
    is: {
      aim: { kind: ['create'] },
      misbehaviour: { kind: 'answer', status: 307, location: 'https://elsewhere.example.com/runs?a=1' },
      times: 1,
    },
  },
  {
    text: 'run:hang,carried-out:2',
    is: { aim: { kind: ['run'] }, misbehaviour: { kind: 'hang', carriedOut: true }, times: 2 },
  },
  {
    text: 'put:hang',
    is: { aim: { kind: ['put'] }, misbehaviour: { kind: 'hang', carriedOut: false }, times: 1 },
  },
  {
    text: 'create:delay=25s',
    is: { aim: { kind: ['create'] }, misbehaviour: { kind: 'delay', ms: 25_000 }, times: 1 },
  },
  {
    text: 'download:trickle=100',
    is: { aim: { kind: ['download'] }, misbehaviour: { kind: 'trickle', bytesPerSecond: 100 }, times: 1 },
  },
  {
    text: 'run:length=-10',
    is: { aim: { kind: ['run'] }, misbehaviour: { kind: 'length', offByBytes: -10 }, times: 1 },
  },
  {
    text: 'run:length=+10',
    is: { aim: { kind: ['run'] }, misbehaviour: { kind: 'length', offByBytes: 10 }, times: 1 },
  },
])('$text', ({ text, is }) => {
  expect(parseFault(text)).toStrictEqual(is);
  expect(faultText(is)).toBe(text);
});

test.each([
  { text: '', says: 'create:drop-after:3' },
  { text: 'create', says: 'is not REQUESTS:FAULT or REQUESTS:FAULT:TIMES' },
  { text: 'create:500:1:1', says: 'is not REQUESTS:FAULT' },
  { text: 'creat:500', says: '"creat" is no kind of request: choose from any, application, uploadurl' },
  { text: 'create+:500', says: '"" is no kind of request' },
  { text: 'create,app=A:500', says: 'app=A is no app id' },
  { text: 'create,skip=-1:500', says: 'skip is a whole number from 0 to 1000000, not "-1"' },
  {
    text: 'create,times=3:500',
    says: '"times=3" cannot stand after "create": these may, once each: app=…, skip=…',
  },
  { text: 'create,skip=1,skip=2:500', says: '"skip=2" cannot stand' },
  { text: 'create:drop', says: '"drop" is no fault: choose from a status such as 429, drop-before' },
  { text: 'create:drop-after,carried-out', says: 'cannot stand after "drop-after": nothing may' },
  { text: 'create:199', says: '"199" is no fault' },
  { text: 'create:600', says: '"600" is no fault' },
  { text: 'create:204', says: '"204" is no fault' },
  { text: 'create:429,retry-after=soon', says: 'retry-after=soon is neither whole seconds nor a date' },
  { text: 'create:429,retry-after', says: '"retry-after" cannot stand after "429"' },
  { text: 'create:307,location=/a%0Ab', says: 'is no address' },
  { text: 'create:500,carried-out=yes', says: '"carried-out=yes" cannot stand after "500"' },
  { text: 'create:500,body=100%', says: 'has a % that stands for nothing' },
  { text: 'create:delay', says: 'needs one value and nothing more, for example delay=2s' },
  { text: 'create:delay=2', says: 'delay=2 needs a number with its unit' },
  { text: 'create:delay=25h', says: 'delay=25h: at most 24h' },
  { text: 'create:trickle=0', says: 'trickle is a whole number from 1 to 10000000, not "0"' },
  { text: 'create:length=10', says: 'length=10 needs a sign and a whole number from 1 to 1000000' },
  { text: 'create:length=+0', says: 'length=+0 needs a sign and a whole number from 1 to 1000000' },
  { text: 'create:length=-1000001', says: 'length=-1000001 needs a sign' },
  { text: 'create:500:0', says: 'TIMES is a whole number from 1 to 1000000, or always, not "0"' },
  { text: `create:500,body=${'x'.repeat(9_000)}`, says: 'at most 8192 characters' },
])('$text is refused: $says', ({ text, says }) => {
  expect(() => parseFault(text)).toThrow(says);
});

describe('any fault', () => {
  const misbehaviour = fc.oneof(
    fc.record(
      {
        kind: fc.constant('answer' as const),
        status: fc.integer({ min: 200, max: 599 }).filter((status) => ![204, 205, 304].includes(status)),
        retryAfter: fc.nat(999_999_999).map(String),
        location: fc.webUrl({ withQueryParameters: true }),
        body: fc.string({ unit: 'grapheme' }),
        carriedOut: fc.constant(true),
      },
      { requiredKeys: ['kind', 'status'], noNullPrototype: true },
    ),
    fc.constantFrom('before', 'after', 'midway').map((when) => ({ kind: 'drop', when }) as const),
    fc.boolean().map((carriedOut) => ({ kind: 'hang', carriedOut }) as const),
    fc.integer({ min: 0, max: 86_400_000 }).map((ms) => ({ kind: 'delay', ms }) as const),
    fc
      .integer({ min: 1, max: 10_000_000 })
      .map((bytesPerSecond) => ({ kind: 'trickle', bytesPerSecond }) as const),
    fc
      .integer({ min: -1_000_000, max: 1_000_000 })
      .filter((offByBytes) => offByBytes !== 0)
      .map((offByBytes) => ({ kind: 'length', offByBytes }) as const),
  );
  const aim = fc.record(
    {
      kind: fc.uniqueArray(fc.constantFrom(...requestKinds), { minLength: 1 }),
      app: fc.constantFrom('hare-app', 'a.b'),
      skip: fc.integer({ min: 1, max: 1000 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  const times = fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constant(Infinity));

  test('reads back as it is shown', () => {
    fc.assert(
      fc.property(fc.record({ aim, misbehaviour, times }, { noNullPrototype: true }), (fault) => {
        expect(parseFault(faultText(fault))).toStrictEqual(fault);
      }),
    );
  });
});
