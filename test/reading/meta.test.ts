import { describe, expect, test } from 'vitest';
import type { Meta } from '../../src/core/content.ts';
import { optionTexts, parseMeta, type ParsedMeta } from '../../src/reading/meta.ts';

const bare: Meta = {
  status: 'succeeded',
  durationMs: null,
  error: null,
  name: null,
  description: null,
  instanceId: null,
  options: {},
  batchExperimentId: null,
  appId: null,
  metrics: null,
  logs: null,
};
const parsed = (document: unknown) => parseMeta(document, 'meta.json', false);

describe('what meta.json says', () => {
  test.each<{ name: string; says: object; is: Partial<Meta> }>([
    { name: 'a status is enough', says: { status: 'succeeded' }, is: {} },
    {
      name: 'seconds become whole ms',
      says: { status: 'succeeded', duration: 42 },
      is: { durationMs: 42_000 },
    },
    {
      name: 'fractions of ms are rounded',
      says: { status: 'succeeded', duration: 1.234_56 },
      is: { durationMs: 1_235 },
    },
    {
      name: 'ms are taken as they are',
      says: { status: 'succeeded', duration_ms: 42 },
      is: { durationMs: 42 },
    },
    {
      name: 'no time at all is a duration',
      says: { status: 'succeeded', duration: 0 },
      is: { durationMs: 0 },
    },
    {
      name: 'a failed run has an error',
      says: { status: 'failed', error: 'no' },
      is: { status: 'failed', error: 'no' },
    },
    { name: 'an empty error is none', says: { status: 'succeeded', error: '' }, is: { error: null } },
    {
      name: 'lines of a log are joined with newlines',
      says: { status: 'succeeded', logs: ['one', 'two'] },
      is: { logs: 'one\ntwo' },
    },
    { name: 'a log may be one text', says: { status: 'succeeded', logs: 'one' }, is: { logs: 'one' } },
    { name: 'no lines are no log', says: { status: 'succeeded', logs: [] }, is: { logs: null } },
    {
      name: 'the rest is taken by its name',
      says: {
        status: 'succeeded',
        name: 'n',
        description: 'd',
        instance_id: 'i',
        batch_experiment_id: 'b',
        app_id: 'hare-app',
        metrics: { gap: { at: 1 } },
        options: { gap: 0.1, solver: 'cbc', deep: { a: [1] }, off: null },
      },
      is: {
        name: 'n',
        description: 'd',
        instanceId: 'i',
        batchExperimentId: 'b',
        appId: 'hare-app',
        metrics: { gap: { at: 1 } },
        options: { gap: '0.1', solver: 'cbc', deep: '{"a":[1]}', off: 'null' },
      },
    },
  ])('$name', ({ says, is }) => {
    expect(parsed(says)).toEqual({ ok: true, meta: { ...bare, ...is }, warnings: [] });
  });
});

describe('what waiting cannot mend', () => {
  test.each<{ name: string; says: unknown; problems: string[] }>([
    {
      name: 'no object',
      says: ['succeeded'],
      problems: ['meta.json: Invalid input: expected object, received array'],
    },
    { name: 'no status', says: {}, problems: ['meta.json: status: must be "succeeded" or "failed"'] },
    {
      name: 'another status',
      says: { status: 'done' },
      problems: ['meta.json: status: must be "succeeded" or "failed"'],
    },
    {
      name: 'a duration before its time',
      says: { status: 'failed', duration: -1 },
      problems: ['meta.json: duration: must be a number of seconds from 0 to a year'],
    },
    {
      name: 'a duration of ms taken for seconds',
      says: { status: 'failed', duration: 1e9 },
      problems: ['meta.json: duration: must be a number of seconds from 0 to a year'],
    },
    {
      name: 'a duration in words',
      says: { status: 'failed', duration_ms: '42 ms' },
      problems: ['meta.json: duration_ms: must be a number of milliseconds from 0 to a year'],
    },
    {
      name: 'two durations',
      says: { status: 'failed', duration: 1, duration_ms: 1_000 },
      problems: ['meta.json: duration (seconds) and duration_ms are both given; keep one'],
    },
    {
      name: 'an error of a run that succeeded',
      says: { status: 'succeeded', error: 'no' },
      problems: ['meta.json: an error is given, but status is "succeeded"'],
    },
    {
      name: 'an app id with a slash',
      says: { status: 'succeeded', app_id: '../other' },
      problems: ['meta.json: app_id: must be an app id: 3 to 30 of a-z, 0-9, "." and "-"'],
    },
    {
      name: 'two mistakes at once, both told',
      says: { status: 'done', duration: 'long' },
      problems: [
        'meta.json: status: must be "succeeded" or "failed"',
        'meta.json: duration: must be a number of seconds from 0 to a year',
      ],
    },
  ])('$name', ({ says, problems }) => {
    expect(parsed(says)).toEqual({ ok: false, problems });
  });

  test.each([
    { key: 'options', value: ['a'] },
    { key: 'metrics', value: 'high' },
    { key: 'logs', value: [1] },
    { key: 'name', value: 7 },
    { key: 'instance_id', value: '' },
    { key: 'batch_experiment_id', value: 'b'.repeat(129) },
  ])('$key of another kind is refused by its name', ({ key, value }) => {
    const { ok, problems } = parsed({ status: 'succeeded', [key]: value }) as {
      ok: boolean;
      problems: string[];
    };
    expect(ok).toBe(false);
    expect(problems[0]).toContain(`meta.json: ${key}: `);
  });
});

describe('a key that is not known', () => {
  test.each([
    { key: 'staus', meant: '; did you mean "status"?' },
    { key: 'durations', meant: '; did you mean "duration"?' },
    { key: 'solver', meant: '' },
  ])('$key is kept out and told, with what may have been meant', ({ key, meant }) => {
    expect(parsed({ status: 'succeeded', [key]: 1 })).toEqual({
      ok: true,
      meta: bare,
      warnings: [`meta.json: the key "${key}" is not known and was left out${meant}`],
    });
  });

  test('of a megabyte is told in short', () => {
    const { warnings } = parsed({ status: 'succeeded', ['k'.repeat(1_000_000)]: 1 }) as Extract<
      ParsedMeta,
      { ok: true }
    >;
    expect(warnings[0]?.length).toBeLessThan(200);
  });

  test('named `__proto__` reaches nothing', () => {
    const document: unknown = JSON.parse(
      '{"status":"succeeded","__proto__":{"error":"x","app_id":"other-app"}}',
    );
    expect(parsed(document)).toMatchObject({ ok: true, meta: { error: null, appId: null } });
    expect({}).not.toHaveProperty('app_id');
  });
});

test('an option named `__proto__` is an option like any other', () => {
  const options = JSON.parse('{"__proto__":{"a":1}}') as Record<string, unknown>;
  expect(Object.entries(optionTexts(options))).toEqual([['__proto__', '{"a":1}']]);
});
