/** What takes a while tells on a terminal how far it is and how long the rest takes, and in a pipe it is quiet. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test as plainTest } from 'vitest';
import { tellBackfill } from '../../src/cli/backfillText.ts';
import { restText } from '../../src/cli/progress.ts';
import type { StatusView } from '../../src/http/operations.ts';
import { programFile } from '../journey/program.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

plainTest.each([
  { lastedMs: 10_000, part: 0.25, is: ', about 30s to go' },
  { lastedMs: 3_600_000, part: 0.5, is: ', about 1h to go' },
  { lastedMs: 1_000, part: 0.01, is: '' },
  { lastedMs: 10_000, part: 0, is: '' },
  { lastedMs: 10_000, part: 1, is: '' },
  { lastedMs: 10_000, part: null, is: '' },
])('after $lastedMs ms, with $part of it done, it says "$is"', ({ lastedMs, part, is }) => {
  expect(restText(lastedMs, part)).toBe(is);
});

/** script(1) gives it a terminal; what is meant for stdout goes elsewhere. */
function onTerminal(line: string) {
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = { shown: '', hasEnded: false };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.shown += text));
  child.once('close', () => (said.hasEnded = true));
  onTestFinished(() => void child.kill('SIGKILL'));
  return said;
}

const lines = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { dryRunOf } from '${fileURLToPath(new URL('../../dist/cli/commands/dryRun.js', import.meta.url))}';
  async function* lines() {
    yield { kind: 'progress', looked: 10, of: 40 };
    await sleep(3500);
    yield { kind: 'end', needs_person: 0 };
  }
  await dryRunOf(lines(), false);
`.replaceAll('\n', ' ');

plainTest('a dry run says how many of all folders it has looked at, and what the rest takes', async () => {
  const terminal = onTerminal(`'${process.execPath}' --input-type=module -e "${lines}"`);
  await until('its end', () => terminal.hasEnded);
  expect(terminal.shown).toMatch(/10 of 40 folder\(s\) looked at \(\ds, about \ds to go\)/);
  const inPipe = spawnSync(process.execPath, ['--input-type=module', '-e', lines], { encoding: 'utf8' });
  expect(inPipe).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test('track --wait says where its run is, and takes the line away when it is recorded', async ({ scene }) => {
  await scene.daemon();
  scene.faults.finalAfterMs = 3_600_000;
  const folder = scene.drop('monday');
  const command = [process.execPath, programFile, 'track', folder, '--wait', '-c', scene.configFile].join(
    ' ',
  );
  const terminal = onTerminal(`${command} > ${scene.dir}/result.json`);
  await until('the run to be told', () => /run #1 is tracked.*\(\d+s\)/.test(terminal.shown));
  scene.calm();
  await until('its end', () => terminal.hasEnded);
  // eslint-disable-next-line no-control-regex
  expect(terminal.shown).toMatch(/\u001b\[2K\u001b\[1G\s*$/);
  const inPipe = await scene.command('track', folder, '--wait');
  expect(inPipe).toMatchObject({ code: 0, stderr: '' });
});

test('a daemon on a terminal tells until when the history of its drop roots waits', async ({ scene }) => {
  scene.configure({ platform: scene.nextmv({ limits: { runs_per_second: 1 } }) });
  for (let run = 0; run < 60; run += 1) scene.drop(`plan-${String(run)}`);
  const terminal = onTerminal(
    [process.execPath, programFile, 'run', '-c', scene.configFile, '>', '/dev/null'].join(' '),
  );
  try {
    await until('the history to be told', () =>
      /history of runs: \d+ run\(s\) wait, oldest first, until about [\d-]+ [\d:]+ UTC/.test(terminal.shown),
    );
  } finally {
    // The end of its terminal would be a hangup to it, which is another wish.
    const { stdout } = await scene.command('status', '--json');
    process.kill((JSON.parse(stdout) as StatusView).pid ?? 0, 'SIGTERM');
    await until('its end', () => terminal.hasEnded);
  }
});

plainTest('in a pipe a daemon does not even ask what to tell', async () => {
  const never = new AbortController().signal;
  await tellBackfill(() => Promise.reject(new Error('it was asked')), never);
});
