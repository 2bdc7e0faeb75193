/** What is shown to people and programs: scrubbed, laid out, named. */
import { describe, expect, test } from 'vitest';
import { appIdPattern } from '../../src/core/appId.ts';
import { fileOf, type ArtefactFile } from '../../src/core/content.ts';
import { socketPathBytesMax } from '../../src/core/controlSocket.ts';
import { RuntrackdError, reasonOf, type Failure } from '../../src/core/failure.ts';
import { outsideRootName } from '../../src/core/identity.ts';
import { indentJson } from '../../src/core/indentJson.ts';
import { isLoopback } from '../../src/core/loopback.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { scrub } from '../../src/core/scrub.ts';

describe('a text', () => {
  test.each([
    { text: 'Authorization: Bearer abc.def', is: 'Authorization: Bearer [secret]' },
    { text: 'bearer  abc, next', is: 'Bearer [secret], next' },
    { text: `"Bearer abc"`, is: `"Bearer [secret]"` },
    { text: 'sig=abc&x=1', is: 'sig=[secret]&x=1' },
    { text: 'X-Amz-Signature=a1b2 end', is: 'X-Amz-Signature=[secret] end' },
    { text: 'security-token=abc', is: 'security-token=[secret]' },
    { text: 'Credential=abc&token=def', is: 'Credential=[secret]&token=[secret]' },
    { text: 'http://me:word@host/path', is: 'http://[secret]@host/path' },
    { text: 'see https://host/a/b?x=1&y=2 now', is: 'see https://host/a/b?[signed] now' },
    { text: 'https://host/a/b', is: 'https://host/a/b' },
    { text: 'no secret here', is: 'no secret here' },
  ])('$text is shown as $is', ({ text, is }) => {
    expect(scrub(text)).toBe(is);
  });

  test('of any length is shown to four thousand characters', () => {
    expect(scrub('x'.repeat(5_000))).toBe('x'.repeat(4_000));
  });
});

describe('JSON', () => {
  test.each([
    { json: '{}', is: '{}' },
    { json: '[ ]', is: '[]' },
    { json: '{"a":1}', is: '{\n  "a": 1\n}' },
    { json: '[1,[2,3],{}]', is: '[\n  1,\n  [\n    2,\n    3\n  ],\n  {}\n]' },
    { json: '{"a":{"b":[]},"c":"x"}', is: '{\n  "a": {\n    "b": []\n  },\n  "c": "x"\n}' },
    { json: '12345678901234567890.10', is: '12345678901234567890.10' },
    { json: '{"a, b: {c}": "\\"[,]\\\\"}', is: '{\n  "a, b: {c}": "\\"[,]\\\\"\n}' },
    { json: ' [ true , null ] ', is: '[\n  true,\n  null\n]' },
  ])('$json is laid out digit by digit', ({ json, is }) => {
    expect(indentJson(json).trim()).toBe(is);
  });

  test('that is deep is indented sixteen levels, and no deeper', () => {
    const deep = indentJson(`${'['.repeat(20)}1${']'.repeat(20)}`).split('\n');
    expect(deep[1]).toBe('  [');
    expect(deep.find((line) => line.trim() === '1')).toBe(`${'  '.repeat(16)}1`);
    expect(deep.at(-1)).toBe(']');
  });

  test('that is long stays as it is', () => {
    const text = (chars: number) => `["${'x'.repeat(chars - 4)}"]`;
    expect(indentJson(text(65_536))).toContain('\n');
    expect(indentJson(text(65_537))).toBe(text(65_537));
  });
});

describe('an error that somebody named', () => {
  const failure: Failure = {
    class: 'refused',
    text: 'it was refused',
    hint: 'mend it',
    reach: 'run',
    status: 422,
    runId: 'run-a',
  };

  test('tells what went wrong, and what to do', () => {
    const error = new RuntrackdError(failure);
    expect(error).toMatchObject({
      name: 'RuntrackdError',
      message: 'it was refused',
      reason: 'refused',
      hint: 'mend it',
      status: 422,
      runId: 'run-a',
    });
    expect('cause' in error).toBe(false);
    expect(reasonOf(failure)).toEqual({ class: 'refused', text: 'it was refused' });
  });

  test('keeps of its causes their texts without secrets, and nothing that hangs on them', () => {
    const inner = Object.assign(new Error('Bearer abc'), { code: 'ECONNRESET', request: { key: 'abc' } });
    const outer = new TypeError('sig=abc', { cause: inner });
    const { cause } = new RuntrackdError(failure, { cause: outer });
    expect(cause).toMatchObject({ name: 'TypeError', message: 'sig=[secret]' });
    const deeper = (cause as Error).cause as Error & { code?: string };
    expect(deeper).toMatchObject({ name: 'Error', message: 'Bearer [secret]', code: 'ECONNRESET' });
    expect(deeper).not.toHaveProperty('request');
    expect(`${String((cause as Error).stack)}${String(deeper.stack)}`).not.toContain('abc');
  });

  test('takes what is no error for its text, and an error that was named for no cause', () => {
    expect(new RuntrackdError(failure, { cause: 'Bearer abc' }).cause).toBe('Bearer [secret]');
    expect(new RuntrackdError(failure, { cause: new RuntrackdError(failure) }).cause).toBeUndefined();
    const numbered = Object.assign(new Error('x'), { code: 7 });
    expect(new RuntrackdError(failure, { cause: numbered }).cause).not.toHaveProperty('code');
  });

  test('follows five causes and no more', () => {
    let chain = new Error('0');
    for (let n = 1; n < 9; n += 1) chain = new Error(String(n), { cause: chain });
    const texts: string[] = [];
    for (let at = new RuntrackdError(failure, { cause: chain }).cause; at instanceof Error; at = at.cause)
      texts.push(at.message);
    expect(texts).toEqual(['8', '7', '6', '5', '4']);
  });
});

test.each([
  { host: 'localhost', is: true },
  { host: '127.0.0.1', is: true },
  { host: '127.12.0.255', is: true },
  { host: '[::1]', is: true },
  { host: '::1', is: true },
  { host: '127.0.0.1.evil.test', is: false },
  { host: 'x127.0.0.1', is: false },
  { host: '128.0.0.1', is: false },
  { host: 'localhost.evil.test', is: false },
  { host: '::2', is: false },
  { host: '127.0.0', is: false },
])('$host is this machine’s loopback: $is', ({ host, is }) => {
  expect(isLoopback(host)).toBe(is);
});

test.each([
  { id: 'abc', is: true },
  { id: 'a.b-c9', is: true },
  { id: '9'.repeat(30), is: true },
  { id: '9'.repeat(31), is: false },
  { id: 'ab', is: false },
  { id: '-abc', is: false },
  { id: 'abc.', is: false },
  { id: 'aBc', is: false },
  { id: 'abc\n', is: false },
  { id: 'xabc d', is: false },
])('$id can be an app’s id: $is', ({ id, is }) => {
  expect(appIdPattern.test(id)).toBe(is);
});

test('an artefact is found by its role', () => {
  const file = (role: ArtefactFile['role']): ArtefactFile => ({
    role,
    name: role,
    type: 'json',
    bytes: 1,
    sha256: '',
    object: null,
  });
  const content = { files: [file('input'), file('output')] };
  expect(fileOf(content, 'output')).toBe(content.files[1]);
  expect(fileOf(content, 'logs')).toBeUndefined();
});

test('promises to users stand as they are written', () => {
  const minute = 60_000;
  expect(defaultPolicy).toEqual({
    backoff: { delayMsMin: 1_000, delayMsMax: 5 * minute },
    runTriesMax: 6,
    absentAfterMs: 20 * minute,
    then: 'send',
    uploadAgeMsMax: 12 * minute,
    pollMsMin: 500,
    pollMsMax: 10 * minute,
  });
  expect(socketPathBytesMax).toBe(107);
  // Part of every key of a folder outside of all roots.
  expect(outsideRootName).toBe('@outside');
});
