/** Whether a new outbox may make runs under this host's name, by what lies in its drop roots. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fingerprintOf, identityVersion } from '../../src/core/identity.ts';
import { HostChanged } from '../../src/intake/hostChanged.ts';
import { HostGuard } from '../../src/intake/hostGuard.ts';
import { rulesOf } from '../../src/intake/rules.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

/** Drops a folder with the result file that a host has left in it. @param of of which content it is; default: the folder's */
async function dropTracked(root: Root, path: string, host: string, of?: string): Promise<void> {
  const folder = root.drop(path);
  const rules = rulesOf(root.dropRoot());
  const sight = await root.folders.look(root.path, folder, rules);
  if (sight === null) throw new Error(`${path} is not there`);
  const { read } = await root.folders.read(root.path, folder, sight, rules);
  if (read.kind !== 'complete') throw new Error(`${path} is not complete`);
  const key = {
    ...{
      version: identityVersion,
      platform: 'platform',
      app: 'hare-app',
      host,
      dropRoot: 'runs',
      counter: 1,
    },
    firstPath: path,
    generation: of ?? read.content.generation,
  };
  const { ino, birthNs } = sight.directory;
  const { version, platform, app, counter, generation } = key;
  const runtrackd = {
    ...{ fingerprint: fingerprintOf(key), version, platform, app, host, counter },
    ...{ drop_root: 'runs', first_path: path, generation: `sha256:${generation}` },
    directory: { ino, birth_ns: birthNs },
  };
  writeFileSync(join(folder, 'nextmv-result.json'), JSON.stringify({ id: `run-${path}`, runtrackd }));
}

/** Whoever asks the guard of a process that has just begun. */
function guardOf(root: Root): HostGuard {
  return new HostGuard(root.parts(), () => [root.intake()]);
}

test('what another host alone has tracked is found behind more folders than are looked at at once', async ({
  root,
}) => {
  for (let n = 0; n < 200; n += 1) root.drop(`a-${String(n)}`);
  await dropTracked(root, 'z', 'old-name');
  await expect(guardOf(root).pass()).rejects.toThrow('set host: old-name');
  await expect(guardOf(root).pass()).rejects.toThrow(HostChanged);
});

test('a name that was in use here is right, whatever was brought here from other hosts', async ({ root }) => {
  await dropTracked(root, 'a', 'other');
  await dropTracked(root, 'b', 'test-host');
  await dropTracked(root, 'c', 'other');
  await guardOf(root).pass();
});

test('a result file of other content says nothing of what the folder holds', async ({ root }) => {
  await dropTracked(root, 'a', 'other', 'b'.repeat(64));
  await guardOf(root).pass();
});

test('no run is made before the guard has been passed', async ({ root }) => {
  root.drop('plain');
  await dropTracked(root, 'z', 'old-name');
  const guard = guardOf(root);
  const settle = { quietMs: 0, deadlineMs: 3_600_000 };
  const intake = root.intake({ settle }, false, { passHostGuard: () => guard.pass() });
  await expect(intake.scan(false)).rejects.toThrow(HostChanged);
  await intake.stop();
  expect(await root.outbox.oldestRun()).toBeNull();
});

test('in an outbox that has runs, what another host has sent waits for a person', async ({ root }) => {
  const guard = guardOf(root);
  root.start({}, false, { passHostGuard: () => guard.pass() });
  root.drop('plain');
  await until('the first run', async () => (await root.count('queued')) === 1);
  await dropTracked(root, '.brought', 'old-name');
  renameSync(join(root.path, '.brought'), join(root.path, 'brought'));
  await until('the one that was brought', async () => (await root.outbox.counts()).states.parked === 1);
  const [run] = await root.outbox.runsAtPath('runs', 'brought', 1);
  const waits = { kind: 'parked', reason: { class: 'sent-by-other-host' } };
  expect(run?.life.state).toMatchObject(waits);
  appendFileSync(join(root.path, 'brought', 'run.log'), 'one more line\n');
  await until('the log to be what the run would be sent with', async () => {
    const [now] = await root.outbox.runsAtPath('runs', 'brought', 1);
    return now?.content.asideDigest !== run?.content.asideDigest;
  });
  expect((await root.outbox.runsAtPath('runs', 'brought', 1))[0]?.life.state).toMatchObject(waits);
  await guardOf(root).pass();
});
