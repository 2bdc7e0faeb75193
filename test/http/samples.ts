/** What the parts of the listener are tried with. */
import type { StatusView } from '../../src/http/operations.ts';

/** The text format of Prometheus, as far as tests look at it: a value by name and labels. */
export function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The metrics that the text describes, by name, with their kind. */
export function describedIn(text: string): Record<string, string> {
  const found = text.matchAll(/^# TYPE (\S+) (\S+)$/gm);
  return Object.fromEntries([...found].map(([, name = '', kind = '']) => [name, kind]));
}

/** The status of a daemon with so many drop roots, with which all is well. */
export function statusWith(roots: number, changes: Partial<StatusView> = {}): StatusView {
  const loops = [
    'delivery',
    'reconcile',
    ...rootNames(roots).flatMap((name) => [`intake ${name}`, `archive ${name}`]),
  ];
  return {
    running: true,
    pid: 1,
    version: '1.2.3',
    host: 'planner-03',
    healthy: true,
    problems: [],
    problem_reasons: [],
    http: null,
    configuration: { file: '/etc/runtrackd/config.yaml', problems: [], waiting: [] },
    counts: { recorded: 7, parked: 1 },
    oldest_waiting: null,
    waiting_since: null,
    needs_person: [],
    platform: {
      kind: 'stand-in',
      endpoint: null,
      state: 'ok',
      reason: null,
      apps: [],
      storage: { state: 'ok', reason: null },
      budget: {
        runs_per_second: 5,
        requests_per_minute: 120,
        waiting: 0,
        narrowed: false,
        limits: { runs_per_second: 5, requests_per_minute: 120 },
      },
    },
    results: { state: 'ok', reason: null },
    outputs_differ: 0,
    loops: loops.map((name) => ({ name, last_progress: '2026-01-01T00:00:00.000Z', moving: true })),
    history: [],
    drop_roots: rootNames(roots).map((name) => ({
      name,
      path: `/srv/${name}`,
      app: 'hare-app',
      hints: 'chokidar',
      found: { by_scan: 1, by_event: 2 },
      settling: 0,
      overdue: 0,
      last_scan: null,
      archive: null,
      backfill: { mode: 'all', found: 0, left_out: 0, waiting: 0, eta: null },
      problem: null,
    })),
    ...changes,
  };
}

const rootNames = (count: number): string[] => Array.from({ length: count }, (_, n) => `root-${String(n)}`);
