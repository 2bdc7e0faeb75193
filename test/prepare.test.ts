/**
 * What `npm start` and `npm test` do first, in copies of the project that have a small source, and an npm that only
 * links what this project has installed: so nothing needs a network.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';

const projects: string[] = [];
const buildTools = ['typescript', '@types', 'undici-types', 'rolldown', '@rolldown'];

afterEach(() => {
  for (const project of projects.splice(0)) rmSync(project, { recursive: true, force: true });
});

describe('before an installation', () => {
  test('every missing tool is named, with its packages, and nothing is touched', async () => {
    const project = givenProject();
    const { code, stderr } = await prepare(project, { tools: [] });
    expect(code).toBe(1);
    for (const tool of ['npm', 'python3', 'make', 'a C++ compiler', 'g++', 'gcc-c++', 'nodejs-npm'])
      expect(stderr).toContain(tool);
    expect(stderr).toContain('apt-get install npm python3 make g++');
    expect(existsSync(join(project, 'node_modules'))).toBe(false);
  });

  test('only what is missing is named', async () => {
    const { code, stderr } = await prepare(givenProject(), { tools: ['npm', 'python3', 'clang++'] });
    expect(code).toBe(1);
    expect(stderr).toContain('apt-get install make\n');
    expect(stderr).not.toContain('python3');
  });

  test('a Node that is too old is told so', async () => {
    const project = givenProject();
    const pretence = join(project, 'old.cjs');
    writeFileSync(
      pretence,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } });",
    );
    const { code, stderr } = await prepare(project, { nodeOptions: ['--require', pretence] });
    expect(code).toBe(1);
    expect(stderr).toContain('needs Node.js 20.19 or newer, and this is 20.18.3');
  });
});

describe('a fresh clone', () => {
  test('is installed and built once; the second start has nothing to say', async () => {
    const project = givenProject();
    const first = await prepare(project);
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toMatch(/^installing .*…\ninstalled in \d+ s\nbuilding…\nbuilt in \d+ s\n$/);
    expect(existsSync(join(project, 'dist/main.js'))).toBe(true);
    expect(readFileSync(join(project, 'local/install.log'), 'utf8')).toContain('npm ci --include=dev');

    expect(await prepare(project, { tools: [] })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('of which two commands are started at once is installed once', async () => {
    const project = givenProject();
    const both = await Promise.all([prepare(project), prepare(project)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(readFileSync(join(project, 'npm-ran'), 'utf8')).toBe('x');
    expect(existsSync(join(project, 'local/prepare.lock'))).toBe(false);
  });
});

describe('an installation that cannot be used', () => {
  test('is replaced when the lock file changes', async () => {
    const project = givenProject();
    await prepare(project);
    writeFileSync(join(project, 'package-lock.json'), lockFile('2.0.0'));
    expect((await prepare(project)).stderr).toContain('installing');
    expect(readFileSync(join(project, 'npm-ran'), 'utf8')).toBe('xx');
  });

  test('for want of a network shows the end of what npm said, and where the rest is', async () => {
    const { code, stderr } = await prepare(
      givenProject({ npm: "console.error('ENOTFOUND'); process.exit(7);" }),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /ENOTFOUND\ninstalling failed \(exit code 7\)\. All of its output: .*install\.log\n$/,
    );
  });

  test('because SQLite was not compiled says what to do', async () => {
    const { code, stderr } = await prepare(givenProject({ links: buildTools }));
    expect(code).toBe(1);
    expect(stderr).toContain('npm rebuild --ignore-scripts=false better-sqlite3');
  });
});

describe('a build', () => {
  test('follows the source: what changed is built, what is gone is removed, what vanished comes back', async () => {
    const project = givenProject();
    writeFileSync(join(project, 'src/old.ts'), 'export const old = 1;\n');
    await prepare(project);
    const built = (name: string) => join(project, 'dist', name);
    expect(existsSync(built('old.js'))).toBe(true);

    rmSync(join(project, 'src/old.ts'));
    writeFileSync(join(project, 'src/main.ts'), "console.log('changed');\n");
    expect((await prepare(project)).stderr).toMatch(/^building…\nbuilt in \d+ s\n$/);
    expect(existsSync(built('old.js'))).toBe(false);
    expect(readFileSync(built('main.js'), 'utf8')).toContain('changed');

    rmSync(built('main.js'));
    await prepare(project);
    expect(existsSync(built('main.js'))).toBe(true);
  });

  test('puts what is started together in few files, and one of these that vanished comes back', async () => {
    const project = givenProject();
    writeFileSync(join(project, 'src/said.ts'), "export const said = 'hello';\n");
    const main =
      "console.log((await import('./said.ts')).said, import.meta.url.endsWith('/dist/main.js'));\n";
    writeFileSync(join(project, 'src/main.ts'), main);
    await prepare(project);
    const chunks = join(project, 'dist/chunks');
    const [said] = readdirSync(chunks);
    if (said === undefined) throw new Error('nothing was put together');
    const starts = () =>
      execFileSync(process.execPath, [join(project, 'dist/main.js')], { encoding: 'utf8' });
    expect(starts()).toBe('hello true\n');

    rmSync(join(chunks, said));
    await prepare(project);
    expect(starts()).toBe('hello true\n');
  });

  test('that fails shows the mistake, and is tried again', async () => {
    const project = givenProject();
    writeFileSync(join(project, 'src/main.ts'), 'const wrong: number = "text";\nconsole.log(wrong);\n');
    const failed = await prepare(project);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('src/main.ts(1,7): error');
    expect((await prepare(project)).code).toBe(1);
  });
});

describe('an interrupt', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends npm and all that it started', async (signal, expected) => {
    // An npm with a child of its own that does not listen to anybody.
    const project = givenProject({
      npm: `
        const deaf = "process.on('SIGTERM', () => {}); process.on('SIGINT', () => {}); setInterval(() => {}, 1000); console.log('ready')";
        const child = require('child_process').spawn(process.execPath, ['-e', deaf]);
        child.stdout.once('data', () => fs.writeFileSync('child', String(child.pid)));
      `,
    });
    const running = start(project);
    await until(() => existsSync(join(project, 'child')));
    await sleep(50);
    running.kill(signal);
    expect(await ended(running)).toMatchObject({ code: expected });
    const child = Number(readFileSync(join(project, 'child'), 'utf8'));
    expect(() => process.kill(child, 0)).toThrow('ESRCH');
    expect(existsSync(join(project, 'local/prepare.lock'))).toBe(false);
  });

  test('that left its lock behind stops nobody', async () => {
    const project = givenProject();
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    mkdirSync(join(project, 'local'));
    const lock = { pid: gone.pid, started: '1', group: gone.pid };
    writeFileSync(join(project, 'local/prepare.lock'), JSON.stringify(lock));
    expect((await prepare(project)).code).toBe(0);
  });
});

interface Given {
  readonly npm?: string;
  readonly links?: readonly string[];
}

/** A copy of this project with a source of one line; its npm is a script that links packages that are installed here. */
function givenProject({ npm, links }: Given = {}): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'rt-prepare-')));
  projects.push(project);
  mkdirSync(join(project, '.config'));
  mkdirSync(join(project, 'src'));
  mkdirSync(join(project, 'tools'));
  for (const path of [
    '.config/prepare',
    '.config/prepare.mjs',
    '.config/build.mjs',
    '.config/bundle.mjs',
    '.config/tsconfig.build.json',
    'tsconfig.json',
  ])
    cpSync(path, join(project, path), { recursive: true });
  writeFileSync(join(project, 'src/main.ts'), "console.log('hello');\n");
  writeFileSync(join(project, 'package.json'), '{ "name": "small", "type": "module" }\n');
  writeFileSync(join(project, 'package-lock.json'), lockFile('1.0.0'));
  writeFileSync(join(project, 'tools/package.json'), '{ "type": "commonjs" }\n');
  const script = npm ?? linkPackages(links ?? [...buildTools, 'better-sqlite3']);
  givenTool(project, 'npm', `#!${process.execPath}\nconst fs = require('fs');\n${script}\n`);
  for (const name of ['python3', 'make', 'g++', 'clang++']) givenTool(project, name, '#!/bin/sh\n');
  return project;
}

function lockFile(version: string): string {
  const entry = { version, integrity: `sha512-${version}` };
  return JSON.stringify({ packages: { '': {}, 'node_modules/better-sqlite3': entry } });
}

function linkPackages(names: readonly string[]): string {
  return `
    console.log('npm', ...process.argv.slice(2));
    fs.appendFileSync('npm-ran', 'x');
    fs.rmSync('node_modules', { recursive: true, force: true });
    fs.mkdirSync('node_modules');
    for (const name of ${JSON.stringify(names)}) fs.symlinkSync('${resolve('node_modules')}/' + name, 'node_modules/' + name);
    setTimeout(() => fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json'), 300);
  `;
}

function givenTool(project: string, name: string, text: string): void {
  const path = join(project, 'tools', name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

interface Way {
  /** The only programs on the path; by default all that are needed. */
  readonly tools?: readonly string[];
  readonly nodeOptions?: readonly string[];
}

function start(project: string, { tools, nodeOptions = [] }: Way = {}): ChildProcess {
  const path = realpathSync(mkdtempSync(join(project, 'path-')));
  for (const tool of tools ?? ['npm', 'python3', 'make', 'g++'])
    symlinkSync(join(project, 'tools', tool), join(path, tool));
  return spawn(process.execPath, [...nodeOptions, join(project, '.config/prepare.mjs')], {
    cwd: tmpdir(),
    env: { PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

interface End {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<End> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  await once(child, 'close');
  return { code: child.exitCode, ...texts };
}

function prepare(project: string, way?: Way): Promise<End> {
  return ended(start(project, way));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}
