/** The alerts and the dashboard that ship with the daemon: they are what Prometheus accepts, and name what is there. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const rulesFile = 'docs/alerts.rules.yml';
const rulesText = readFileSync(rulesFile, 'utf8');
const { groups } = parse(rulesText) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync('docs/grafana-dashboard.json', 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};
/** What the daemon serves is compared with this document by the journey that starts one. */
const documented = new Map(
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `([a-z_]+)` +\| (\w+) +\|/gm)].map(
    ([, name = '', kind = '']) => [name, kind],
  ),
);

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool) console.error('SKIPPED: Prometheus’ opinion of the alerts: no promtool here');

function judged(...args: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** Names of ours in an expression that no metric has. */
function unknownIn(expr: string): string[] {
  return [...expr.matchAll(/\bruntrackd_\w+/g)]
    .map(([name]) => name)
    .filter((name) => {
      const ofHistogram = name.replace(/_(bucket|count|sum)$/, '');
      return !documented.has(name) && documented.get(ofHistogram) !== 'histogram';
    });
}

test.skipIf(!promtool)('promtool accepts the rules', () => {
  expect(judged('check', 'rules', rulesFile)).toMatchObject({ status: 0 });
});

test.skipIf(!promtool)('every alert fires when it should, and is silent when all is well', () => {
  const { status, said } = judged('test', 'rules', 'test/http/alerts.yml');
  expect(said).toContain('SUCCESS');
  expect(status).toBe(0);
});

test('every alert has a test both ways, and an entry that says what to type', () => {
  const tests = readFileSync('test/http/alerts.yml', 'utf8');
  const entries = readFileSync('docs/alerts.md', 'utf8').split(/^## /m).slice(1);
  expect(entries.map((entry) => entry.split('\n')[0])).toEqual(rules.map(({ alert }) => alert));
  for (const entry of entries) expect(entry).toMatch(/```sh\n\S/);
  for (const { alert } of rules) {
    expect(tests).toContain(`name: ${alert} fires`);
    expect(tests).toContain(`name: ${alert} is silent`);
  }
});

test('rules and dashboard name metrics that there are', () => {
  const expressions = [
    ...rules.map(({ expr }) => expr),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
  expect(expressions.length).toBeGreaterThan(20);
  expect(expressions.flatMap(unknownIn)).toEqual([]);
  // The check bites.
  expect(unknownIn('rate(runtrackd_healthy_bucket[5m]) + runtrackd_nothing')).toHaveLength(2);
});

test('the dashboard works for many hosts: each panel follows the host that was chosen, and none draws a line for each', () => {
  for (const { title, targets } of dashboard.panels) {
    for (const { expr } of targets) {
      expect(expr, title).toContain('instance=~"$instance"');
      expect(expr, title).toMatch(/\b(sum|count|max|topk|histogram_quantile)\b/);
    }
  }
});
