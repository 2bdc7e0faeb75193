/** What a result file proves, and to whom it has to belong for that. */
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fingerprintOf, identityVersion } from '../../src/core/identity.ts';
import { provenBy, type ProvenPlace } from '../../src/intake/resultFile.ts';
import { anotherUser, isUngiving } from '../reading/anothersFile.ts';

const key = {
  version: identityVersion,
  platform: 'https://platform.example',
  app: 'hare-app',
  host: 'solver-7',
  dropRoot: 'runs',
  firstPath: 'plan',
  generation: 'a'.repeat(64),
  counter: 1,
};
const directory = { dev: '1', ino: '42', birthNs: '7' };

/** A folder whose result file says that its content is run-1. */
function folderWithResult(changes: object = {}): { root: string; file: string; place: ProvenPlace } {
  const root = mkdtempSync(join(tmpdir(), 'rt-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'plan'));
  const file = join(root, 'plan', 'nextmv-result.json');
  const { version, platform, app, host, counter } = key;
  const runtrackd = {
    fingerprint: fingerprintOf(key),
    ...{ version, platform, app, host, counter },
    drop_root: key.dropRoot,
    first_path: key.firstPath,
    generation: `sha256:${key.generation}`,
    directory: { ino: directory.ino, birth_ns: directory.birthNs },
    ...changes,
  };
  writeFileSync(file, JSON.stringify({ id: 'run-1', runtrackd }));
  const { generation } = key;
  return {
    root,
    file,
    place: { platform, app, dropRoot: key.dropRoot, path: 'plan', directory, content: { generation } },
  };
}

test('a result file of our own proves its run', async () => {
  const { root, place } = folderWithResult();
  expect(await provenBy({ path: root, resultsDir: null }, place)).toEqual({
    runId: 'run-1',
    host: 'solver-7',
    firstPath: 'plan',
    counter: 1,
  });
});

test('one whose fingerprint is not that of its key proves nothing', async () => {
  const { root, place } = folderWithResult({ counter: 2 });
  expect(await provenBy({ path: root, resultsDir: null }, place)).toBeNull();
});

test.skipIf(isUngiving)(
  'one that another user has made proves nothing, however well it is made: it would hold up every run',
  async () => {
    const { root, file, place } = folderWithResult();
    chownSync(file, anotherUser, anotherUser);
    expect(await provenBy({ path: root, resultsDir: null }, place)).toBeNull();
  },
);
