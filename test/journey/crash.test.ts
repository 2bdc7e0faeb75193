/** The daemon dies at every named point of a run's life, by SIGKILL. What is found afterwards: one run, a whole result. */
import { expect } from 'vitest';
import { lifecyclePoints, type LifecyclePoint } from '../../src/core/points.ts';
import type { RunView } from '../../src/http/operations.ts';
import { plan, resultIn } from './folders.ts';
import type { Daemon } from './program.ts';
import { app, test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const names = ['monday', 'tuesday', 'wednesday'];
/** Dead between the durable intent and the request: nobody can know that nothing arrived. */
const beforeTheRequest: readonly LifecyclePoint[] = ['intended', 'postSent'];
// That all is uploaded is written down while the intent is made: a run that dies there may have either.
const beforeAnyIntent = lifecyclePoints.slice(0, lifecyclePoints.indexOf('uploaded'));

async function dies(scene: Scene, point: string): Promise<void> {
  for (const name of names) scene.drop(name, { ...plan(name), 'run.log': `log of ${name}\n` });
  const daemon = scene.launch({ environment: { RUNTRACKD_CRASH_AT: point } });
  expect(await daemon.ended).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Waits until each run is recorded, or its absence from the platform's list was noticed. */
async function settled(scene: Scene, daemon: Daemon): Promise<readonly RunView[]> {
  return await until('every run to be recorded or looked for', async () => {
    const views = await daemon.list();
    if (views.length !== names.length) return false;
    for (const view of views) {
      if (view.state === 'recorded') continue;
      if (view.state !== 'unknown') return false;
      const { history } = await daemon.show(view.folder);
      if (!history.some(({ note }) => note.includes('not in the platform'))) return false;
    }
    return views;
  });
}

function expectWholeResult(scene: Scene, view: RunView): void {
  const name = names.find((known) => view.folder === scene.folder(known)) ?? '';
  const result = resultIn(view.folder);
  expect(result).toMatchObject({
    id: view.run_id,
    output: { solution: { sample: name } },
    runtrackd: { fingerprint: view.fingerprint, output_verified: true },
  });
}

test.concurrent.for([...lifecyclePoints])(
  'killed at "%s" with three folders in flight, each folder is one run or waits to be looked for, and nothing is lost',
  async (point, { scene }) => {
    await dies(scene, point);
    const daemon = await scene.daemon();
    const views = await settled(scene, daemon);
    const unknown = views.filter(({ state }) => state === 'unknown');
    // From the first intent on, another of the three may have died before its request arrived.
    if (beforeTheRequest.includes(point)) expect(unknown.length).toBeGreaterThan(0);
    if (beforeAnyIntent.includes(point)) expect(unknown).toEqual([]);

    const recorded = views.filter(({ state }) => state === 'recorded');
    for (const view of recorded) expectWholeResult(scene, view);
    for (const { run_id: id } of unknown) expect(id).toBeNull();
    const runs = await scene.platformRuns();
    // Every run that the platform has is one of ours, none twice, and whoever is unknown was not sent again.
    expect(runs.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      recorded.map(({ fingerprint }) => fingerprint).sort(),
    );
    expect(scene.count('create')).toBe(runs.length);
    expect(daemon.hasEnded).toBe(false);
  },
);

test.concurrent.for(beforeTheRequest)(
  'killed at "%s", the run is sent once more when it was surely absent for long enough',
  async (point, { scene }) => {
    // The embedded stand-in dies with the daemon, so a short absence proves as much as a long one; but it has to last until
    // the others are tracked, which shows that this platform lists what is ours.
    scene.configure({ platform: { kind: 'stand-in', reconcile: { absent_after: '8s' } } });
    await dies(scene, point);
    const daemon = await scene.daemon();
    await until('all to be recorded', async () => (await daemon.status()).counts.recorded === names.length);
    const views = await daemon.list();
    for (const view of views) expectWholeResult(scene, view);
    const { endpoint } = (await daemon.status()).platform;
    const runs = await scene.platformRuns(app, endpoint ?? '');
    expect(runs.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      views.map(({ fingerprint }) => fingerprint).sort(),
    );
    const stories = await Promise.all(views.map(({ folder }) => daemon.show(folder)));
    expect(stories.flatMap(({ history }) => history.map(({ note }) => note))).toContain(
      'surely absent from the platform: sending again',
    );
  },
);

test.concurrent(
  'killed again and again at changing points, the runs are still one each',
  async ({ scene }) => {
    for (const name of names) scene.drop(name);
    for (const point of ['putDone', 'postAnswered', 'resultFetched', 'resultWritten', 'final', 'tracked:2']) {
      const daemon = scene.launch({ environment: { RUNTRACKD_CRASH_AT: point } });
      await until(`a death at ${point}, or all to be recorded`, () => {
        return daemon.hasEnded || names.every((name) => resultIn(scene.folder(name)) !== null);
      });
      await daemon.kill();
    }
    const daemon = await scene.daemon();
    const views = await settled(scene, daemon);
    for (const view of views) expectWholeResult(scene, view);
    const runs = await scene.platformRuns();
    expect(runs.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      views.map(({ fingerprint }) => fingerprint).sort(),
    );
  },
);

test.concurrent(
  'killed when the platform has stored the run and not answered yet, the run is adopted',
  async ({ scene }) => {
    const first = await scene.daemon();
    scene.onRequest = async ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'done') return;
      scene.onRequest = null;
      await first.kill();
    };
    scene.drop('monday');
    expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });
    const [stored] = await scene.platformRuns();

    const second = await scene.daemon();
    const view = await scene.state(second, 'monday', 'recorded');
    expect(view).toMatchObject({ run_id: stored?.id, fingerprint: stored?.fingerprint });
    expect(scene.count('create')).toBe(1);
    expect(await scene.platformRuns()).toHaveLength(1);
  },
);

test.concurrent(
  'killed while the platform still reads the request, nothing is sent again, though it is stored only later',
  async ({ scene }) => {
    const first = await scene.daemon();
    let carryOut: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (carryOut = resolve));
    scene.onRequest = async ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'received') return;
      scene.onRequest = null;
      await first.kill();
      await released;
    };
    scene.drop('monday');
    await first.ended;

    const second = await scene.daemon();
    await until('the list to be asked in vain', async () =>
      (await second.show(scene.folder('monday'))).history.some(({ note }) =>
        note.includes('not in the platform'),
      ),
    );
    expect(await scene.platformRuns()).toEqual([]);
    // The request of the dead process takes effect now: seen on real machines.
    carryOut();
    await until('the late run', async () => (await scene.platformRuns()).length === 1);
    await second.stop();
    const third = await scene.daemon();
    await until(
      'the third to have scanned',
      async () => (await third.status()).drop_roots[0]?.last_scan !== null,
    );
    expect((await third.list())[0]?.state).toMatch(/^(unknown|tracked|final|recorded)$/);
    expect(scene.count('create')).toBe(1);
  },
);

test.concurrent(
  'an outbox that was left behind by a kill is taken over, and its runs go first',
  async ({ scene }) => {
    await dies(scene, 'ticketGiven');
    const daemon = await scene.daemon();
    await daemon.logged(/the last process ended with \d run\(s\) in hand/);
    await settled(scene, daemon);
    expect(await scene.platformRuns()).toHaveLength(names.length);
  },
);
