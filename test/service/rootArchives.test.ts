/** Archives that come and go with the configuration, one of which hangs. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ArchiveParts, ArchiveRules } from '../../src/archiving/rootArchive.ts';
import { LoopProgress } from '../../src/service/loopProgress.ts';
import { RootArchives } from '../../src/service/rootArchives.ts';
import { RunningLoops } from '../../src/service/runningLoops.ts';
import { until } from '../journey/waiting.ts';

const patientMs = 30_000;
const minuteMs = 60_000;

function rulesOf(archive: string, graceMs = 0): ArchiveRules {
  return { name: 'runs', path: '/runs', archive, graceMs, sight: {} as ArchiveRules['sight'] };
}

/** Archives of a drop root that hang in whatever they do, on a clock that is set by hand. */
function hanging() {
  let [nowMs, letGo] = [0, (): void => undefined];
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, random: () => 0 };
  const progress = new LoopProgress(clock);
  const said: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void said.push(line) });
  const hang = new Promise<string>((_, reject) => {
    letGo = () => reject(Object.assign(new Error('away'), { code: 'EIO' }));
  });
  const folders = { mark: async () => await hang };
  const archives = new RootArchives({ clock, log, folders } as unknown as ArchiveParts, progress);
  const stop = new AbortController();
  const loops = new RunningLoops(stop.signal, log);
  return {
    ...{ archives, loops, progress, said },
    letPass: (ms: number) => void (nowMs += ms),
    letGo: () => letGo(),
    ended: async () => {
      stop.abort();
      letGo();
      await loops.ended();
    },
  };
}

test('an archive that hangs is named in good time, however long folders rest before they go there', async () => {
  const { archives, loops, progress, letPass, ended } = hanging();
  await archives.set('runs', rulesOf('/away', 24 * 60 * minuteMs));
  archives.begin(loops);
  await until('its loop', () => progress.all().length === 1);
  // Between two passes it may rest for a minute.
  letPass(6 * minuteMs);
  expect(progress.all()).toMatchObject([{ isStalled: false }]);
  letPass(2 * minuteMs);
  expect(progress.all()).toMatchObject([{ isStalled: true }]);
  await ended();
});

test(
  'an archive that hangs when its rules have changed is no loop that stands still, and whoever waits for it says so',
  { timeout: patientMs },
  async () => {
    const { archives, loops, progress, said, letPass, letGo, ended } = hanging();
    await archives.set('runs', rulesOf('/away'));
    archives.begin(loops);
    await until('its loop', () => progress.all().length === 1);

    await archives.set('runs', rulesOf('/near'));
    letPass(24 * 60 * minuteMs);
    expect(progress.all()).toEqual([]);
    expect(archives.all.map((archive) => archive.trouble())).toEqual([
      'drop root /runs or its archive /away does not answer: nothing is archived until that has ended',
    ]);

    // The one that waits is no hold-up of the next.
    await archives.set('runs', rulesOf('/far'));
    expect(said).toHaveLength(1);
    expect(archives.all.map((archive) => archive.trouble())).toEqual([
      'drop root /runs or its archive /away does not answer: nothing is archived until that has ended',
    ]);

    letGo();
    await until('the loop of the one that has waited', () => progress.all().length === 1);
    expect(progress.all()).toMatchObject([{ name: 'archive runs', isStalled: false }]);
    expect(archives.all.map((archive) => archive.trouble())).toEqual([null]);
    await ended();
  },
);
