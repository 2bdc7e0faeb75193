/** What is taken for an API key. What stands in its place instead is said, and never shown. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RuntrackdError } from '../../src/core/failure.ts';
import { keyReader } from '../../src/platform/apiKey.ts';

const clock = { monotonicMs: () => 0 };

function fileWith(content: string | Buffer): string {
  const dir = mkdtempSync(join(tmpdir(), 'rt-key-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'key');
  writeFileSync(file, content);
  return file;
}

const problemOf = async (reading: Promise<unknown>): Promise<string> =>
  await reading.then(
    () => 'it was taken',
    (error: unknown) =>
      error instanceof RuntrackdError && error.reason === 'no-key' ? error.message : String(error),
  );

test.each([['nxmvv1_secret'], ['nxmvv1_secret\n'], ['\uFEFFnxmvv1_secret\r\n']])(
  'a key is taken with what an editor puts around it',
  async (content) => {
    const key = await keyReader({ file: fileWith(content) }, {}, clock)();
    expect(key.reveal()).toBe('nxmvv1_secret');
  },
);

test.each([
  ['a letter of another alphabet', 'canary€key', /holds a character that no key has/],
  ['a quote of a text program', '“canary”', /holds a character that no key has/],
  ['a control character', 'canary\u0000key', /holds a character that no key has/],
  ['bytes that are no text', Buffer.from([0x63, 0x61, 0x6e, 0x61, 0x72, 0x79, 0xff, 0xfe]), /no key has/],
  ['two lines', 'canary\nkey\n', /does not hold exactly one key/],
  ['nothing', '\n', /does not hold exactly one key/],
])('%s is no key, in a file and in the environment', async (_, content, says) => {
  const texts = [await problemOf(keyReader({ file: fileWith(content) }, {}, clock)())];
  if (typeof content === 'string' && content.trim() !== '')
    texts.push(
      await problemOf(keyReader({ environment: 'NEXTMV_API_KEY' }, { NEXTMV_API_KEY: content }, clock)()),
    );
  for (const text of texts) {
    expect(text).toMatch(says);
    expect(text).not.toContain('canary');
  }
});
