/** `init`: what it finds out, what it writes, what it asks, and that it overwrites nothing. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { layoutOf, sampleOf, type RunFolderNames } from '../../src/cli/init/layout.ts';
import { configOf } from '../config/given.ts';
import { isAlone, otherUser } from '../journey/otherUser.ts';
import { programFile } from '../journey/program.ts';

const place = mkdtempSync(join(tmpdir(), 'rt-init-'));
chmodSync(place, 0o755);
afterAll(() => rmSync(place, { recursive: true }));
let count = 0;
function emptyDirectory(): string {
  const dir = join(place, String((count += 1)));
  mkdirSync(dir);
  return dir;
}

function init(args: readonly string[], environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [programFile, 'init', ...args], {
    cwd: place,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  return { status, stdout, stderr };
}

const files = (...names: string[]): RunFolderNames => ({ files: names, directories: [] });

describe('the layout of folders that lie there already', () => {
  test.each([
    {
      name: 'the usual names need no word',
      folders: [files('input.json', 'output.json', 'run.log', 'meta.json')],
      is: { files: { input: null, output: null, log: null }, marker: null, hasMeta: true },
    },
    {
      name: 'names that all folders have are taken as they are',
      folders: [
        files('model.mps', 'plan.sol', 'cbc.log', 'DONE'),
        files('model.mps', 'plan.sol', 'cbc.log', 'DONE'),
      ],
      is: {
        files: { input: 'model.mps', output: 'plan.sol', log: 'cbc.log' },
        marker: 'DONE',
        hasMeta: false,
      },
    },
    {
      name: 'what only ends alike is a glob',
      folders: [files('a.lp', 'a.sol', 'meta.json'), files('b.lp', 'b.sol', 'meta.json')],
      is: { files: { input: '*.lp', output: '*.sol', log: null }, marker: null, hasMeta: true },
    },
    {
      name: 'what some folders have is no habit',
      folders: [
        files('input.json', 'output.json', 'meta.json', 'DONE'),
        files('input.json', 'output.json', 'meta.json'),
      ],
      is: { marker: null },
    },
  ])('$name', ({ folders, is }) => {
    expect(layoutOf({ depth: 1, folders })).toMatchObject(is);
  });

  test('no folders say nothing', () => {
    expect(layoutOf(null)).toMatchObject({ depth: null, sampled: 0, hasMeta: true });
  });

  test('date folders are seen to be no run folders', async () => {
    const root = emptyDirectory();
    mkdirSync(join(root, '2026', '11', 'monday'), { recursive: true });
    writeFileSync(join(root, '2026', '11', 'monday', 'input.json'), '{}');
    expect(await sampleOf(root)).toMatchObject({ depth: 3, folders: [{ files: ['input.json'] }] });
  });
});

describe('the command', () => {
  test('writes a commented file with mode 0640 that the program takes, and says the next command', () => {
    const dir = emptyDirectory();
    mkdirSync(join(dir, 'runs', 'one'), { recursive: true });
    for (const name of ['model.mps', 'plan.sol', 'DONE']) writeFileSync(join(dir, 'runs', 'one', name), '');
    const args = [
      dir,
      '--root',
      join(dir, 'runs'),
      '--app',
      'hare-app',
      '--platform',
      'stand-in',
      '--host',
      'planner-03',
    ];
    const made = init(args);
    const file = join(dir, 'config.yaml');
    expect(made).toMatchObject({
      status: 0,
      stdout: `${file} is written. Next: runtrackd doctor -c ${file}\n`,
    });
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(configOf(file).dropRoots).toMatchObject([
      {
        name: 'runs',
        app: 'hare-app',
        marker: 'DONE',
        isMetaOptional: true,
        files: { input: ['model.mps'] },
        enrich: ['metrics', 'chart'],
      },
    ]);
    const before = readFileSync(file, 'utf8');
    const again = init(args);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain(file);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('without a terminal it names every flag that is missing', () => {
    const dir = emptyDirectory();
    expect(init([dir])).toMatchObject({ status: 2, stdout: '' });
    expect(init([dir]).stderr).toContain('--root, --app, --platform');
    const real = init([dir, '--root', './runs', '--app', 'hare-app', '--platform', 'nextmv']);
    expect(real).toMatchObject({ status: 2, stdout: '' });
    expect(real.stderr).toContain('--key-file');
  });

  test('a key file that is not there is said, and nothing is written', () => {
    const dir = emptyDirectory();
    const args = [
      dir,
      '--root',
      './runs',
      '--app',
      'hare-app',
      '--platform',
      'nextmv',
      '--key-file',
      './no-key',
    ];
    const refused = init([...args, '--host', 'planner-03']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('there is no such file');
    expect(() => statSync(join(dir, 'config.yaml'))).toThrow();
  });

  test('where nothing can be written it says so', () => {
    const args = ['--root', './runs', '--app', 'hare-app', '--platform', 'stand-in', '--host', 'planner-03'];
    const file = join(emptyDirectory(), 'file');
    writeFileSync(file, '');
    const refused = init([join(file, 'below'), ...args]);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(/config\.yaml cannot be written \(ENOTDIR\)\. .*\n$/);
  });

  test.skipIf(!existsSync('/proc/self'))(
    'where no directory can be made it says so, and ends (skipped without /proc)',
    () => {
      const args = [
        '--root',
        './runs',
        '--app',
        'hare-app',
        '--platform',
        'stand-in',
        '--host',
        'planner-03',
      ];
      expect(init(['/proc/none', ...args]).stderr).toContain(
        '/proc/none/config.yaml cannot be written (ENOENT)',
      );
    },
  );

  test.skipIf(otherUser === null || isAlone)('who may not write there is told to use sudo', () => {
    const dir = emptyDirectory();
    const { status, stderr } = spawnSync(process.execPath, [programFile, 'init', join(dir, 'below')], {
      cwd: '/',
      encoding: 'utf8',
      ...(otherUser === null ? {} : { uid: otherUser, gid: otherUser }),
    });
    expect(status).toBe(1);
    expect(stderr).toContain('cannot be written (EACCES). Run it with sudo');
  });

  const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
  if (!hasPython) console.error('SKIPPED: init on a terminal: no python3 to make one');
  test.skipIf(!hasPython)('on a terminal it asks, and asks again (skipped where there is no python3)', () => {
    const dir = emptyDirectory();
    const asking = `
import os, pty, sys
answers = [('run folders?', './runs'), ('sent, nextmv', 'elsewhere'), ('sent, nextmv', 'stand-in'), ('app on the platform', 'hare-app')]
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = ''
while True:
    try: piece = os.read(fd, 4096).decode(errors='replace')
    except OSError: break
    if not piece: break
    said += piece
    if answers and answers[0][0] in said:
        os.write(fd, (answers.pop(0)[1] + '\\n').encode()); said = ''
    sys.stdout.write(piece)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const args = ['-c', asking, process.execPath, programFile, 'init', dir, '--host', 'planner-03'];
    const { status, stdout } = spawnSync('python3', args, { cwd: place, encoding: 'utf8' });
    expect(stdout).toContain('Say nextmv or stand-in.');
    expect(status).toBe(0);
    expect(configOf(join(dir, 'config.yaml')).dropRoots[0]).toMatchObject({
      app: 'hare-app',
      path: join(place, 'runs'),
    });
  });
});
