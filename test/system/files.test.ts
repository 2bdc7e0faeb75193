import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { blocking } from '../../src/system/blockingFiles.ts';
import { errorCode, OpenFolder, writeWhole, type FileCalls } from '../../src/system/files.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function* pieces(...all: (string | Error)[]): AsyncGenerator<string> {
  for (const piece of all) {
    await Promise.resolve();
    if (typeof piece !== 'string') throw piece;
    yield piece;
  }
}

describe('a file that is written whole', () => {
  test('has the content and the mode, whatever the umask, and leaves no temporary', async () => {
    const folder = temporaryFolder();
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    await writeWhole(join(folder, 'a.json'), pieces('{"a"', ':1}'), 0o664, null);
    expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('{"a":1}');
    expect(statSync(join(folder, 'a.json')).mode & 0o777).toBe(0o664);
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  test('has the group of the folder', async () => {
    const folder = temporaryFolder();
    const group = process.getgroups?.().find((id) => id !== process.getgid?.()) ?? process.getgid?.() ?? 0;
    const wanted = process.geteuid?.() === 0 ? 12_345 : group;
    await writeWhole(join(folder, 'a.json'), '{}', 0o640, wanted);
    expect(statSync(join(folder, 'a.json')).gid).toBe(wanted);
  });

  test('replaces what was there', async () => {
    const path = join(temporaryFolder(), 'a.json');
    writeFileSync(path, 'a much longer content than the new one');
    await writeWhole(path, '{}', 0o644, null);
    expect(readFileSync(path, 'utf8')).toBe('{}');
  });

  test('does not write through a link of its name, but puts itself in its place', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'victim'), 'precious');
    symlinkSync('victim', join(folder, 'a.json'));
    await writeWhole(join(folder, 'a.json'), '{}', 0o644, null);
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('precious');
    expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('{}');
  });

  test.each<{ name: string; leave: (temporary: string, folder: string) => void }>([
    { name: 'a temporary of a crash', leave: (temporary) => writeFileSync(temporary, '{"half":') },
    {
      name: 'a temporary that nobody may write',
      leave: (temporary) => {
        writeFileSync(temporary, '{"half":');
        chmodSync(temporary, 0o000);
      },
    },
    {
      name: 'a link to another’s file under the temporary’s name',
      leave: (temporary, folder) => symlinkSync(join(folder, 'victim'), temporary),
    },
    {
      name: 'a link to nowhere under the temporary’s name',
      leave: (temporary, folder) => symlinkSync(join(folder, 'nowhere'), temporary),
    },
  ])('is not held up by $name', async ({ leave }) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'victim'), 'precious');
    leave(join(folder, '.a.json.runtrackd-tmp'), folder);
    await writeWhole(join(folder, 'a.json'), '{}', 0o644, null);
    expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe('{}');
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('precious');
    expect(readdirSync(folder).sort()).toEqual(['a.json', 'victim']);
  });

  test('stays as it was when its new content breaks off, and no temporary is left', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.json');
    writeFileSync(path, 'old');
    const broken = writeWhole(path, pieces('{"half":', new Error('the source changed')), 0o644, null);
    await expect(broken).rejects.toThrow('the source changed');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  test('is whole whenever the process that writes it is killed', async () => {
    const path = join(temporaryFolder(), 'a.json');
    const files = new URL('../../dist/system/files.js', import.meta.url).href;
    const script = `
      import { writeWhole } from ${JSON.stringify(files)};
      for (let round = 0; ; round += 1) {
        const rows = Array.from({ length: 50_000 }, () => round);
        await writeWhole(${JSON.stringify(path)}, JSON.stringify({ rows }), 0o644, null);
        process.stdout.write(round + '\\n');
      }`;
    for (let kill = 0; kill < 12; kill += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // Killed after a different number of writes each time, somewhere in the next one.
      for (let heard = 0; heard <= kill % 3; heard += 1) await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
      const { rows } = JSON.parse(readFileSync(path, 'utf8')) as { rows: number[] };
      expect(rows).toHaveLength(50_000);
      expect(new Set(rows).size).toBe(1);
    }
  });
});

describe('a folder held open', () => {
  test('is the same folder when its name is given to another', async () => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'run'));
    writeFileSync(join(parent, 'run', 'a'), 'mine');
    const folder = await OpenFolder.open(join(parent, 'run'));
    renameSync(join(parent, 'run'), join(parent, 'moved'));
    mkdirSync(join(parent, 'run'));
    writeFileSync(join(parent, 'run', 'a'), 'another’s');
    const file = await folder.openFile('a');
    const bytes = Buffer.alloc(10);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    expect(bytes.toString('utf8', 0, bytesRead)).toBe('mine');
    await file.close();
    await folder.close();
  });

  test.each([
    { name: 'a link', code: 'ELOOP' },
    { name: 'a file', code: 'ENOTDIR' },
    { name: 'nothing', code: 'ENOENT' },
  ])('is never $name', async ({ name, code }) => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'run'));
    symlinkSync('run', join(parent, 'a link'));
    writeFileSync(join(parent, 'a file'), '');
    const error: unknown = await OpenFolder.open(join(parent, name)).catch((reason: unknown) => reason);
    // Linux says of a link that it is no directory, once that is asked for as well.
    expect([code, 'ENOTDIR']).toContain(errorCode(error));
  });

  test('is reached through no link on the way from its root, which may be one itself', async () => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'root', 'year', 'day', 'run'), { recursive: true });
    symlinkSync('root', join(parent, 'linked root'));
    symlinkSync('year', join(parent, 'root', 'linked year'));
    symlinkSync('day', join(parent, 'root', 'year', 'linked day'));
    for (const root of [join(parent, 'root'), join(parent, 'linked root')]) {
      for (const path of ['year', 'year/day', 'year/day/run', ''])
        await (await OpenFolder.openIn(root, join(root, path))).close();
      for (const path of ['linked year', 'linked year/day/run', 'year/linked day/run'])
        await expect(OpenFolder.openIn(root, join(root, path))).rejects.toMatchObject({ code: 'ENOTDIR' });
    }
  });

  test('is the one in the root, whenever on the way a link takes the place of a directory', async () => {
    const parent = temporaryFolder();
    const root = join(parent, 'root');
    const path = join(root, 'year', 'day', 'run');
    for (const [folder, text] of [
      [path, 'mine'],
      [join(parent, 'elsewhere', 'day', 'run'), 'another’s'],
    ] as const) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'a'), text);
    }
    for (let step = 1; step <= 3; step += 1) {
      let steps = 0;
      const swapping: FileCalls = {
        ...blocking,
        open: async (...args) => {
          const opened = await blocking.open(...args);
          steps += 1;
          if (steps !== step) return opened;
          renameSync(join(root, 'year'), join(parent, 'away'));
          symlinkSync(join(parent, 'elsewhere'), join(root, 'year'));
          return opened;
        },
      };
      const folder = await OpenFolder.openIn(root, path, swapping);
      expect(steps).toBe(3);
      expect(readFileSync(folder.pathOf('a'), 'utf8')).toBe('mine');
      await folder.writeWhole('b', String(step), 0o644, null);
      await folder.close();
      rmSync(join(root, 'year'));
      renameSync(join(parent, 'away'), join(root, 'year'));
      expect(readFileSync(join(path, 'b'), 'utf8')).toBe(String(step));
    }
    expect(readdirSync(join(parent, 'elsewhere', 'day', 'run'))).toEqual(['a']);
  });

  test('opens no link in it', async () => {
    const parent = temporaryFolder();
    symlinkSync('/etc/hostname', join(parent, 'a'));
    const folder = await OpenFolder.open(parent);
    const error: unknown = await folder.openFile('a').catch((reason: unknown) => reason);
    await folder.close();
    expect(errorCode(error)).toBe('ELOOP');
  });
});

describe('a file system that syncs no directory', () => {
  const refusing = (code: string): FileCalls => ({
    ...blocking,
    open: async (path, flags, mode) => {
      const file = await blocking.open(path, flags, mode);
      const isDirectory = (await file.stat({ bigint: true })).isDirectory();
      if (isDirectory) file.sync = () => Promise.reject(Object.assign(new Error(code), { code }));
      return file;
    },
  });

  test.each(['EINVAL', 'ENOTSUP', 'ENOSYS'])('and says so by %s takes files all the same', async (code) => {
    const path = temporaryFolder();
    const folder = await OpenFolder.open(path, refusing(code));
    await folder.writeWhole('a.json', '{}', 0o644, null);
    expect(readFileSync(join(path, 'a.json'), 'utf8')).toBe('{}');
    await folder.close();
  });

  test('because it fails is trouble', async () => {
    const folder = await OpenFolder.open(temporaryFolder(), refusing('EIO'));
    await expect(folder.writeWhole('a.json', '{}', 0o644, null)).rejects.toThrow('EIO');
    await folder.close();
  });
});
