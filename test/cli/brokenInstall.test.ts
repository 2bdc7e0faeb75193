/** A program that is being replaced, or was copied in part: a start that cannot go on ends, and keeps no outbox from anybody. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));

const endsWithinMs = 90_000;

/** The program in a directory of its own, with a configuration and an empty drop root. */
function installed(): string {
  const dir = mkdtempSync(join(tmpdir(), 'install-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  cpSync(join(project, 'dist'), join(dir, 'dist'), { recursive: true });
  cpSync(join(project, 'package.json'), join(dir, 'package.json'));
  symlinkSync(join(project, 'node_modules'), join(dir, 'node_modules'));
  mkdirSync(join(dir, 'runs'));
  writeFileSync(join(dir, 'key'), 'key\n');
  const config = {
    state_dir: './state',
    host: 'solver-7',
    http: { listen: false },
    platform: { kind: 'nextmv', endpoint: 'http://127.0.0.1:9', api_key_file: './key' },
    drop_roots: [{ path: './runs', app: 'hare-app' }],
  };
  writeFileSync(join(dir, 'config.yaml'), JSON.stringify(config));
  return dir;
}

/** Runs until nothing is left to do, or until it ends for another reason. */
async function runOnce(dir: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, ['dist/main.js', 'run', '--once', '-c', 'config.yaml'], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    // One that does not end is ended, and has no exit code.
    timeout: endsWithinMs,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test('where a part of the program is missing it says so and ends, with the outbox open already', async () => {
  const dir = installed();
  expect((await runOnce(dir)).code).toBe(0);
  const chunks = join(dir, 'dist/chunks');
  const missing = readdirSync(chunks).filter((name) => name.startsWith('service-'));
  expect(missing).toHaveLength(1);
  const [name = ''] = missing;
  cpSync(join(chunks, name), join(dir, name));
  rmSync(join(chunks, name));
  const broken = await runOnce(dir);
  expect(broken.code).toBe(1);
  expect(broken.said).toContain(name);
  cpSync(join(dir, name), join(chunks, name));
  expect((await runOnce(dir)).code).toBe(0);
});
