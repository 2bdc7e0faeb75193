/** A configuration that has changed while the daemon runs: what counts at once, what waits, and what is refused. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askingOnce } from '../../src/config/groups.ts';
import { passwordFileProblem } from '../../src/config/passwordFile.ts';
import { placeOf } from '../../src/config/places.ts';
import { rereadConfig } from '../../src/config/rereading.ts';
import { configOf, fileWith, givenFile, problemsOf } from './given.ts';

const machine = {
  environment: {},
  machineName: 'planner-03',
  needsKey: true,
  groupOf: askingOnce(),
  placeOf,
  passwordFileProblem,
};

function rereadAs(before: string, after: string) {
  const path = givenFile(before);
  const inForce = configOf(path);
  writeFileSync(path, after);
  return { path, inForce, reread: rereadConfig(inForce, machine) };
}

test('what did not change is not named', () => {
  const { reread, inForce } = rereadAs(fileWith({}), `# a remark\n${fileWith({})}`);
  expect(reread).toEqual({ ok: true, config: inForce, changed: [], waiting: [] });
});

test('a limit, a level and a rule of a drop root count at once', () => {
  const { reread } = rereadAs(
    fileWith({ root: 'quiet: 1s' }),
    fileWith({
      top: 'log: { level: debug }',
      platform: 'limits: { runs_per_second: 2 }',
      root: 'quiet: 3s',
    }),
  );
  expect(reread).toMatchObject({
    ok: true,
    changed: ['platform.limits.runs_per_second', 'log.level', 'drop_roots[0].quiet'],
    waiting: [],
    config: { logLevel: 'debug', platform: { runsPerSecond: 2 }, dropRoots: [{ quietMs: 3_000 }] },
  });
});

test('a key that needs a restart is named with its place, and its earlier value stays in force', () => {
  const { reread, path, inForce } = rereadAs(
    fileWith({}),
    fileWith({ top: 'host: planner-04', platform: 'stand_in: { port: 4711 }', root: 'quiet: 3s' }),
  );
  expect(reread).toMatchObject({
    ok: true,
    changed: ['drop_roots[0].quiet'],
    config: {
      host: inForce.host,
      platform: { standIn: { port: 0 } },
      dropRoots: [{ quietMs: 3_000 }],
    },
  });
  expect(reread.ok && reread.waiting).toEqual([
    `${path}:2:7: host: has changed, and counts from the next start on: until then the earlier value stays in force`,
    expect.stringContaining(': platform.stand_in: has changed, and counts from the next start on'),
  ]);
});

test('drop roots that come and go are told by their names, whatever their order', () => {
  const root = (name: string, more = ''): string => `  - { path: ./${name}, app: demo-app${more} }`;
  const file = (...roots: string[]): string =>
    ['state_dir: ./state', 'platform: { kind: stand-in }', 'drop_roots:', ...roots, ''].join('\n');
  const { reread } = rereadAs(
    file(root('a'), root('b'), root('c')),
    file(root('c'), root('b', ', quiet: 9s'), root('d')),
  );
  expect(reread.ok && reread.changed).toEqual(['drop_roots', 'drop_roots[1].quiet', 'drop_roots[2]']);
});

test('a wrong file is refused with every problem and its place', () => {
  const { reread, path } = rereadAs(fileWith({}), fileWith({ top: 'hots: x', root: 'quiet: soon' }));
  expect(reread.ok ? [] : reread.problems).toEqual([
    expect.stringMatching(new RegExp(`^${path}:2:1: hots: unknown key "hots"`)),
    expect.stringMatching(new RegExp(`^${path}:\\d+:\\d+: drop_roots\\[0\\]\\.quiet: `)),
  ]);
});

test('a file that is right by itself is refused where it does not go with what stays in force', () => {
  const { reread } = rereadAs(
    fileWith({}),
    fileWith({ root: 'path: ./state/runs' }).replace('./state\n', './elsewhere\n'),
  );
  expect(reread.ok ? [] : reread.problems).toEqual([
    expect.stringMatching(
      /drop_roots\[0\]\.path: .*state_dir.*, with state_dir as before, .*restart the daemon$/,
    ),
  ]);
});

test('a password file that has gone is no problem for the file that stops using it, and one for the file that names it', () => {
  const withPassword = fileWith({ top: 'http: { access: password, password_file: page.password }' });
  const path = givenFile(withPassword);
  const passwordFile = join(path, '..', 'page.password');
  writeFileSync(passwordFile, 'hare', { mode: 0o600 });
  const inForce = configOf(path);
  rmSync(passwordFile);
  writeFileSync(path, fileWith({ root: 'quiet: 3s' }));
  expect(rereadConfig(inForce, machine)).toMatchObject({
    ok: true,
    changed: ['drop_roots[0].quiet'],
    waiting: [expect.stringContaining('http: has changed')],
    config: { http: { access: 'password', passwordFile } },
  });
  writeFileSync(path, withPassword);
  expect(rereadConfig(inForce, machine)).toMatchObject({
    ok: false,
    problems: [expect.stringContaining('http.password_file: there is no such file')],
  });
});

test('a file that is gone is a problem like others', () => {
  const path = givenFile(fileWith({}));
  const inForce = { ...configOf(path), file: join(path, 'nowhere.yaml') };
  expect(rereadConfig(inForce, machine)).toEqual({
    ok: false,
    problems: [`${inForce.file}: there is no such file`],
  });
});

test('a group that this machine does not have is a problem, and one that it has moves the control socket', () => {
  expect(problemsOf(givenFile(fileWith({ top: 'control: { group: no-such-group }' })))).toEqual([
    expect.stringContaining('control.group: there is no group "no-such-group" on this machine'),
  ]);
  const { control } = configOf(givenFile(fileWith({ top: 'control: { group: root }' })));
  expect(control).toEqual({ group: { name: 'root', number: 0 }, directory: '/run/runtrackd' });
});
