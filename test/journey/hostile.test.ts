/** Folders that mean harm, beside good ones: each is told of, and the neighbours notice nothing. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isUngiving, linkToAnothers } from '../reading/anothersFile.ts';
import { plan, type Files } from './folders.ts';
import { test } from './scene.ts';
import { until } from './waiting.ts';

const several: Files = {
  'input/a.csv': '1',
  'output.json': {},
  'run.log': 'log',
  'meta.json': { status: 'succeeded', duration: 1 },
};

const hostile: Readonly<Record<string, (folder: string) => void>> = {
  link: (folder) => symlinkSync('/etc/passwd', join(folder, 'input', 'link')),
  root: (folder) => symlinkSync('/', join(folder, 'input', 'root')),
  pipe: (folder) => void spawnSync('mkfifo', [join(folder, 'input', 'pipe')]),
  'log-pipe': (folder) => {
    rmSync(join(folder, 'run.log'));
    spawnSync('mkfifo', [join(folder, 'run.log')]);
  },
  ...(isUngiving
    ? {}
    : {
        linked: (folder: string) =>
          linkToAnothers(join(folder, '..', '..', 'secret'), join(folder, 'input', 'linked')),
      }),
  'line\nbreak': (folder) => symlinkSync('/etc', join(folder, 'input', 'a\nb')),
  bytes: (folder) =>
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/input/`), Buffer.of(0xff, 0xfe)]), ''),
  sparse: (folder) => truncateSync(join(folder, 'input', 'a.csv'), 10e9),
  many: (folder) => {
    for (let i = 0; i < 20_000; i += 1) writeFileSync(join(folder, 'input', String(i)), '');
  },
  deep: (folder) => mkdirSync(join(folder, 'input', ...Array<string>(200).fill('d')), { recursive: true }),
  nested: (folder) =>
    writeFileSync(join(folder, 'output.json'), `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  nan: (folder) => writeFileSync(join(folder, 'output.json'), '{"gap":NaN}'),
};

test('every one of them is rejected with its reason, and the good ones are tracked beside them', async ({
  scene,
}) => {
  for (const [name, spoil] of Object.entries(hostile)) {
    spoil(scene.drop(name, several));
    scene.drop(`good-${name.replace('\n', '-')}`, { ...several, 'input/a.csv': name });
  }
  const daemon = await scene.daemon();
  for (const name of Object.keys(hostile)) {
    const { runtrackd } = await scene.result(`good-${name.replace('\n', '-')}`);
    expect(runtrackd['output_verified']).toBe(true);
  }
  const rejected = await until('all the others to be rejected', async () => {
    const views = (await daemon.list()).filter(({ state }) => state === 'rejected');
    return views.length === Object.keys(hostile).length && views;
  });
  for (const { reason, hint } of rejected) {
    expect(reason?.text).not.toMatch(/\p{Cc}/u);
    expect(hint).not.toBe('');
  }
  expect(await scene.platformRuns()).toHaveLength(Object.keys(hostile).length);
  expect((await daemon.status()).needs_person).toHaveLength(Object.keys(hostile).length);
  expect((await daemon.stop()).code).toBe(0);
});

test('files with control characters in their names move nobody’s cursor', async ({ scene }) => {
  scene.configure({}, { quiet: '0ms', files: { output: 'sol*.json' } });
  const odd = (name: string): string => `${name}\u001b[31m.json`;
  const { 'input.json': input, 'meta.json': meta, 'output.json': output } = plan('odd');
  const unsolved = { 'input.json': input, 'meta.json': meta };
  symlinkSync('/etc/passwd', join(scene.drop('linked', unsolved), odd('sol')));
  scene.drop('two', { ...unsolved, [odd('sol-1')]: output, [odd('sol-2')]: output });
  scene.drop('nan', { ...unsolved, [odd('sol')]: '{"gap":NaN}' });
  scene.drop('half', { ...unsolved, [odd('sol')]: '{' });
  // Only a directory in it has such a name, and only where it is printed something is done about it.
  scene.drop('low', { 'run\u001b[31m/input.json': input, 'run\u001b[31m/meta.json': meta });
  const isFitToPrint = async (...command: readonly string[]): Promise<void> => {
    const { stdout, stderr } = await scene.command(...command);
    expect(`${command.join(' ')}: ${stdout}${stderr}`.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(stdout + stderr).toContain('1b');
  };
  // What is new to it is what it tells of.
  await isFitToPrint('scan');
  const daemon = await scene.daemon();
  for (const name of ['linked', 'two', 'nan', 'low']) await scene.state(daemon, name, 'rejected');
  await scene.state(daemon, 'half', 'settling');
  const views = await until('the half one to be read', async () => {
    const found = await daemon.list();
    return found.some(({ reason }) => reason?.text.includes('does not parse yet')) && found;
  });
  for (const { folder, reason } of views)
    if (!folder.endsWith('low')) expect(reason?.text).toMatch(/^\P{Cc}*\\u\{1b\}\[31m\P{Cc}*$/u);
  for (const command of ['status', 'list']) await isFitToPrint(command);
  await isFitToPrint('scan', '--dry-run');
  for (const name of ['linked', 'two', 'nan', 'half']) {
    await isFitToPrint('show', name);
    await isFitToPrint('track', scene.folder(name));
  }
});

test('a folder that never holds still, and one whose input comes and goes as a link, hold up nobody', async ({
  scene,
}) => {
  const growing = scene.drop('growing', several);
  const swapped = scene.drop('swapped', several);
  const daemon = await scene.daemon();
  const over = new AbortController();
  const stirring = (async () => {
    for (let n = 0; !over.signal.aborted; n += 1) {
      writeFileSync(join(growing, 'input', 'a.csv'), 'x'.repeat(n % 1_000));
      rmSync(join(swapped, 'input'), { recursive: true, force: true });
      if (n % 2 === 0) symlinkSync('/etc', join(swapped, 'input'));
      else {
        mkdirSync(join(swapped, 'input'));
        writeFileSync(join(swapped, 'input', 'a.csv'), String(n));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let n = 0; n < 5; n += 1) {
    scene.drop(`good-${String(n)}`, { ...several, 'input/a.csv': String(n) });
    await scene.result(`good-${String(n)}`);
  }
  over.abort();
  await stirring;
  const states = (await daemon.list()).filter(({ folder }) => !folder.includes('good'));
  expect(states.length).toBeGreaterThan(0);
});
