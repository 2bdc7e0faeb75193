import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { StatusView } from '../../src/http/operations.ts';
import { Metrics, seriesMax } from '../../src/http/metrics.ts';
import { machineClock } from '../../src/system/clock.ts';
import { samplesOf, statusWith } from './samples.ts';

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool) console.error('SKIPPED: Prometheus’ opinion of the metrics: no promtool here');

/** Everything that can happen to runs of so many apps, with more reasons than there are. */
function happened(metrics: Metrics, apps: number): void {
  for (let n = 0; n < apps; n += 1) {
    const app = `app-${String(n)}`;
    metrics.concluded({ from: 'final', to: { kind: 'recorded', runId: 'x' }, app, sinceCompleteMs: 1_500 });
  }
  for (let n = 0; n < 200; n += 1) {
    const reason = { class: `class-${String(n)}`, text: 'why' };
    const from = { kind: 'queued', uploads: [] } as const;
    const to = { kind: 'parked', from, reason, hint: 'do' } as const;
    metrics.concluded({ from: 'queued', to, app: 'app-0', sinceCompleteMs: 0 });
  }
}

test('what was counted is told by class, answer, app and reason', async () => {
  const metrics = new Metrics('1.2.3', machineClock);
  metrics.requestEnded('create', 200);
  metrics.requestEnded('create', 429);
  metrics.requestEnded('create', 503);
  metrics.requestEnded('list', null);
  metrics.bytesSent(1_000);
  metrics.stepFailed('uploaded');
  const unknown = {
    kind: 'unknown',
    platformTimeMs: 0,
    endedAtMs: 0,
    absent: null,
    mayResend: false,
  } as const;
  const tracked = { kind: 'tracked', runId: 'x', notFoundSinceMs: null, polls: 0 } as const;
  metrics.concluded({ from: 'intended', to: unknown, app: 'hare-app', sinceCompleteMs: 1 });
  metrics.concluded({ from: 'unknown', to: tracked, app: 'hare-app', sinceCompleteMs: 40_000 });
  metrics.concluded({
    from: 'final',
    to: { kind: 'recorded', runId: 'x' },
    app: 'hare-app',
    sinceCompleteMs: 41_000,
  });
  const samples = samplesOf(await metrics.text(statusWith(1)));
  expect(samples).toMatchObject({
    'runtrackd_requests_total{class="create",answer="2xx"}': 1,
    'runtrackd_requests_total{class="create",answer="429"}': 1,
    'runtrackd_requests_total{class="create",answer="5xx"}': 1,
    'runtrackd_requests_total{class="list",answer="none"}': 1,
    'runtrackd_requests_total{class="put",answer="2xx"}': 0,
    runtrackd_sent_bytes_total: 1_000,
    'runtrackd_step_failures_total{state="uploaded"}': 1,
    runtrackd_unknown_outcomes_total: 1,
    'runtrackd_unknown_outcomes_settled_total{ending="found"}': 1,
    runtrackd_run_tracked_seconds_sum: 40,
    runtrackd_run_recorded_seconds_count: 1,
    'runtrackd_recorded_total{app="hare-app"}': 1,
    'runtrackd_runs{state="recorded"}': 7,
    'runtrackd_runs{state="queued"}': 0,
    runtrackd_needs_person: 1,
    runtrackd_budget_requests_per_second: 2,
    'runtrackd_drop_root_found_total{drop_root="root-0",by="event"}': 2,
  });
});

test('a second scrape tells counters of the status anew, not added up', async () => {
  const metrics = new Metrics('1.2.3', machineClock);
  await metrics.text(statusWith(1));
  const samples = samplesOf(await metrics.text(statusWith(1)));
  expect(samples['runtrackd_drop_root_found_total{drop_root="root-0",by="scan"}']).toBe(1);
});

test('of an outbox that does not answer nothing is told that only it knows, rather than none, until it answers again', async () => {
  const metrics = new Metrics('1.2.3', machineClock);
  const namesOf = async (status: StatusView): Promise<string[]> => {
    const samples = Object.keys(samplesOf(await metrics.text(status)));
    return [...new Set(samples.map((sample) => sample.replace(/\{.*/, '')))];
  };
  const all = await namesOf(statusWith(1));
  const left = await namesOf(statusWith(1, { counts: {}, outputs_differ: null }));
  expect(all.filter((name) => !left.includes(name)).sort()).toEqual([
    'runtrackd_drop_root_backlog',
    'runtrackd_drop_root_folders',
    'runtrackd_needs_person',
    'runtrackd_oldest_waiting_seconds',
    'runtrackd_outputs_differ',
    'runtrackd_runs',
  ]);
  expect(await namesOf(statusWith(1))).toEqual(all);
});

test('the promise of docs/metrics.md is the one that is kept', () => {
  const [at0, ofRoot, ofApp] = [
    seriesMax(0, 0),
    seriesMax(1, 0) - seriesMax(0, 0),
    seriesMax(0, 1) - seriesMax(0, 0),
  ];
  expect(readFileSync('docs/metrics.md', 'utf8')).toContain(
    `${String(at0)} + ${String(ofRoot)} N + ${String(ofApp)} M series`,
  );
});

test.each([
  [1, 1],
  [20, 10],
  [1_000, 500],
])('%i drop roots and %i apps stay within the series that are promised', async (roots, apps) => {
  const metrics = new Metrics('1.2.3', machineClock);
  happened(metrics, apps);
  const paused = Array.from({ length: apps }, (_, n) => ({
    app: `app-${String(n)}`,
    state: 'paused' as const,
    reason: '',
  }));
  const { platform } = statusWith(0);
  const text = await metrics.text(statusWith(roots, { platform: { ...platform, apps: paused } }));
  const series = Object.keys(samplesOf(text)).length;
  expect(series).toBeLessThanOrEqual(seriesMax(roots, apps));
  // A bound far above what there is would say nothing.
  expect(series).toBeGreaterThan(seriesMax(roots, apps) * 0.5);
});

test.skipIf(!promtool)('promtool finds nothing to complain about', async () => {
  const metrics = new Metrics('1.2.3', machineClock);
  happened(metrics, 3);
  const checked = spawnSync('promtool', ['check', 'metrics'], {
    input: await metrics.text(statusWith(2)),
    encoding: 'utf8',
  });
  expect(checked.stderr + checked.stdout).toBe('');
  expect(checked.status).toBe(0);
});
