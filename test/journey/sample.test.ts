/** `run --sample`: a newcomer sees the main job done, and is told where its result is. */
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultIn } from './folders.ts';
import type { Daemon } from './program.ts';
import { test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const config = `state_dir: ./local/state
platform:
  kind: stand-in
http:
  listen: false
drop_roots:
  - path: ./local/runs
    name: demo
    app: demo-app
    quiet: 200ms
`;

function newcomer(scene: Scene): { start: () => Daemon; folder: string } {
  writeFileSync(scene.configFile, config);
  return {
    start: () => scene.launch({ args: ['--sample'] }),
    folder: join(scene.dir, 'local', 'runs', 'sample-weekly-plan'),
  };
}

const told = (daemon: Daemon, what: string) =>
  until(`to be told "${what}"`, () => {
    if (daemon.hasEnded) throw new Error(`it ended: ${daemon.stderr}`);
    return daemon.stderr.includes(what);
  });

test.concurrent(
  'the sample is dropped once, recorded, and its result is told on stderr at each start',
  async ({ scene }) => {
    const { start, folder } = newcomer(scene);
    const first = start();
    await told(first, 'Ctrl-C ends it.');
    const result = resultIn(folder);
    expect(result?.metadata).toMatchObject({ status_v2: 'succeeded', execution_duration: 192 });
    expect(first.stderr).toContain(join('local', 'runs', 'sample-weekly-plan', 'nextmv-result.json'));
    expect(first.stderr).toContain(`run ${result?.id ?? ''}: succeeded, solved in 0.192 s`);
    expect(first.stderr).toContain(join(scene.dir, 'local', 'runs'));
    expect(first.stderr).toContain('show my-first-run');
    expect(first.stderr).not.toContain('\u001b');
    expect(readdirSync(join(folder, '..'))).toEqual(['sample-weekly-plan']);
    first.signal('SIGINT');
    expect(await first.end()).toMatchObject({ code: 0, signal: null });

    const { mtimeMs } = statSync(join(folder, 'nextmv-result.json'));
    const second = await start().running();
    await told(second, 'Ctrl-C ends it.');
    expect(second.stderr).toContain('its result is still here');
    expect(second.stderr).toContain(result?.id ?? 'the id');
    expect(second.stderr).not.toContain('dropped in');
    expect(statSync(join(folder, 'nextmv-result.json')).mtimeMs).toBe(mtimeMs);
    const listed = await scene.command('list', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({ run: 1, state: 'recorded', folder });
    expect((await second.stop()).code).toBe(0);
  },
);

test.concurrent(
  'two signals within a moment are one: the terminal and npm both send Ctrl-C',
  async ({ scene }) => {
    const { start } = newcomer(scene);
    const daemon = start();
    await told(daemon, 'Ctrl-C ends it.');
    daemon.signal('SIGINT');
    daemon.signal('SIGINT');
    expect(await daemon.end()).toMatchObject({ code: 0, signal: null });
    expect(daemon.log().filter(({ msg }) => msg.startsWith('SIGINT: finishing'))).toHaveLength(1);
  },
);

test.concurrent('a sample that a user has deleted is not dropped again', async ({ scene }) => {
  const { start, folder } = newcomer(scene);
  const first = start();
  await told(first, 'Ctrl-C ends it.');
  await first.stop();

  rmSync(folder, { recursive: true });
  const second = start();
  await told(second, 'Ctrl-C ends it.');
  expect(existsSync(folder)).toBe(false);
  expect(second.stderr).toContain('not there any more');
});

test.concurrent('the sample is refused where it would go into a real account', async ({ scene }) => {
  const daemon = scene.launch({ args: ['--sample'] });
  expect(await daemon.end()).toMatchObject({ code: 2 });
  expect(daemon.stderr).toContain('--sample is for the stand-in');
  expect(readdirSync(scene.root)).toEqual([]);
  expect(scene.seen).toEqual([]);
});

test.concurrent(
  'the folders of a newcomer are made, and what the tour says to type works',
  async ({ scene }) => {
    const { start } = newcomer(scene);
    const daemon = start();
    await told(daemon, 'Ctrl-C ends it.');
    const typed = /node dist\/main\.js list (-c \S+)/.exec(daemon.stderr)?.[1]?.split(' ') ?? [];
    const listed = await scene.start(['list', ...typed]).end();
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('sample-weekly-plan');
    expect(readFileSync(scene.configFile, 'utf8')).toBe(config);
  },
);

test.concurrent('a result of the sample that was damaged meanwhile ends no start', async ({ scene }) => {
  const { start, folder } = newcomer(scene);
  const first = start();
  await told(first, 'Ctrl-C ends it.');
  await first.stop();
  writeFileSync(join(folder, 'nextmv-result.json'), '{"id":');
  const second = start();
  await told(second, 'Ctrl-C ends it.');
  expect(second.stderr).toContain('it is damaged');
  expect((await second.stop()).code).toBe(0);
});
