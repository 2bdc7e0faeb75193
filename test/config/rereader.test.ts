/** The configuration read in a thread of its own, on a machine where much is slow. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { rereaderFor } from '../../src/config/rereader.ts';
import { isUnsilent, mountSilent } from '../journey/mounts.ts';
import { configOf, fileWith, givenDirectory, givenFile } from './given.ts';

const patientMs = 120_000;
const undo: (() => void)[] = [];
const before = process.env['PATH'];

beforeEach(() => {
  process.env['PATH'] = before;
});
afterEach(() => {
  process.env['PATH'] = before;
  for (const back of undo.splice(0)) back();
});

/** Puts a program in the place of getent. */
function fakeGetent(script: string): void {
  const bin = givenDirectory();
  writeFileSync(join(bin, 'getent'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['PATH'] = `${bin}:${before ?? ''}`;
}

function reader() {
  const heard = { onSilent: vi.fn<(path: string) => void>(), onManySilent: vi.fn<() => void>() };
  return { ...heard, reread: rereaderFor({}, 'planner-03', heard) };
}

const never = new AbortController().signal;
const withGroup = (name: string): string => fileWith({ top: `control: { group: ${name}, directory: ./c }` });

test(
  'a directory service that takes its time is no directory that does not answer',
  { timeout: patientMs },
  async () => {
    const file = givenFile(fileWith({}));
    const inForce = configOf(file);
    writeFileSync(file, withGroup('planners'));
    // Longer than a directory is waited for.
    fakeGetent("sleep 6; echo 'planners:x:4711:'");
    const { reread, onSilent } = reader();
    expect(await reread(inForce, never)).toMatchObject({
      ok: true,
      waiting: [expect.stringContaining('control')],
    });
    expect(onSilent).not.toHaveBeenCalled();
  },
);

test(
  'a group that is in force is not asked for again, and keeps its number',
  { timeout: patientMs },
  async () => {
    fakeGetent("echo 'planners:x:4711:'");
    const file = givenFile(withGroup('planners'));
    const inForce = configOf(file);
    fakeGetent('exit 1');
    const { reread } = reader();
    const read = await reread(inForce, never);
    expect(read.ok && read.config.control.group).toEqual({ name: 'planners', number: 4711 });
  },
);

test(
  'a group that nobody could tell of is another problem than one that is not there',
  { timeout: patientMs },
  async () => {
    const file = givenFile(fileWith({}));
    const inForce = configOf(file);
    writeFileSync(file, withGroup('planners'));
    const { reread } = reader();
    fakeGetent('exit 2');
    expect(await reread(inForce, never)).toMatchObject({
      problems: [expect.stringContaining('control.group: there is no group "planners" on this machine')],
    });
    fakeGetent('exit 1');
    expect(await reread(inForce, never)).toMatchObject({
      problems: [
        expect.stringContaining('control.group: nobody could be asked whether there is a group "planners"'),
      ],
    });
  },
);

test('a daemon that ends waits for no reading', { timeout: patientMs }, async () => {
  const inForce = configOf(givenFile(fileWith({})));
  const ending = new AbortController();
  const reading = reader().reread(inForce, ending.signal);
  ending.abort();
  expect(await reading).toEqual({ ok: false, problems: [expect.stringContaining('the daemon is ending')] });
});

test.skipIf(isUnsilent)(
  'a password file on a share that is away is passed over, and is no problem',
  { timeout: patientMs },
  async () => {
    const file = givenFile(
      fileWith({ top: 'http: { access: password, password_file: ./share/page.password }' }),
    );
    const share = join(file, '..', 'share');
    const passwordFile = join(share, 'page.password');
    mkdirSync(share);
    writeFileSync(passwordFile, 'hare', { mode: 0o600 });
    const inForce = configOf(file);
    undo.push(mountSilent(share));
    const { reread, onSilent } = reader();
    expect(await reread(inForce, never)).toMatchObject({ ok: true, changed: [], waiting: [] });
    expect(onSilent.mock.calls).toEqual([[passwordFile]]);
    expect(loadConfig(file, {}, 'planner-03', { looks: false })).toMatchObject({ ok: true });
  },
);

test.skipIf(isUnsilent)(
  'where many directories do not answer, the reading ends, and those that do are looked at',
  { timeout: patientMs },
  async () => {
    const directory = givenDirectory();
    const root = (name: string): string => `  - { path: ./${name}, app: demo-app }`;
    const names = ['first', 's1', 's2', 's3', 's4', 's5', 'last'];
    const text = [
      'state_dir: ./state',
      'platform: { kind: stand-in }',
      'drop_roots:',
      ...names.map(root),
      '',
    ];
    const file = givenFile(text.join('\n'), directory);
    for (const name of names) mkdirSync(join(directory, name));
    const inForce = configOf(file);
    for (const name of names.slice(1, -1)) undo.push(mountSilent(join(directory, name)));
    const { reread, onSilent, onManySilent } = reader();
    expect(await reread(inForce, never)).toMatchObject({ ok: true, changed: [] });
    expect(onSilent.mock.calls.map(([path]) => path)).toEqual(
      ['s1', 's2', 's3'].map((name) => join(directory, name)),
    );
    expect(onManySilent).toHaveBeenCalledOnce();
  },
);
