/**
 * What hosts get that share an account, by the rule of src/core/pace.ts: simulated on a virtual clock, with seeds, so that
 * the rule and its numbers can be questioned. No figure depends on the machine.
 *
 *   npm run bench:sharing [-- --seeds 20] [--hosts 1,2,5,20,100,500] [--set strideMin=0.3 --set startShare=1 …]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { asked } from './asked.mjs';

const numbers = {
  says: 'whole numbers above 0 with commas between',
  read: (text) => (/^[1-9]\d*(,[1-9]\d*)*$/.test(text) ? text.split(',').map(Number) : undefined),
};
const pair = {
  says: 'a name and a number, as strideMin=0.3',
  read: (text) => {
    const [, name, number] = /^(\w+)=(\d*\.?\d+)$/.exec(text) ?? [];
    return name === undefined ? undefined : [name, Number(number)];
  },
};
const { values } = asked({
  command: 'bench:sharing',
  what: 'What hosts get that share an account, simulated on a virtual clock.',
  keeps: false,
  options: {
    seeds: { what: 'how many chances are taken', usual: 20 },
    hosts: { what: 'how many share it', usual: [1, 2, 5, 20, 100, 500], is: numbers },
    set: { what: 'a number of the rule', usual: [], is: pair, isMany: true },
  },
});

/** The simulation is one of the tests, and in TypeScript. */
async function simulation() {
  const dir = mkdtempSync(join(tmpdir(), 'rt-s-'));
  try {
    const input = fileURLToPath(new URL('../test/core/hosts.ts', import.meta.url));
    const file = join(dir, 'hosts.mjs');
    const bundled = await rolldown({ input, platform: 'node' });
    await bundled.write({ file, format: 'esm' });
    await bundled.close();
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const { alike, minuteMs, policyNames, policyWith, simulate, Span } = await simulation();
const others = Object.fromEntries(
  values.set.map(([name, value]) => {
    if (!policyNames.includes(name)) {
      console.error(`--set ${name}: a number for one of ${policyNames.join(', ')} is wanted`);
      process.exit(2);
    }
    return [name, value];
  }),
);
const policy = policyWith(others);
const sizes = values.hosts;
const seedsOf = (count) => Array.from({ length: count }, (_, at) => at + 1);
const seeds = seedsOf(values.seeds);
const few = seedsOf(Math.min(3, seeds.length));

const mean = (numbers) => numbers.reduce((total, number) => total + number, 0) / numbers.length;
const percent = (share, digits = 0) => (100 * share).toFixed(digits);

function print(title, columns, rows) {
  const lines = [['', ...columns], ...rows];
  const widths = lines[0].map((_, at) => Math.max(...lines.map((line) => String(line[at]).length)));
  console.log(`\n${title}`);
  for (const line of lines)
    console.log(`  ${line.map((cell, at) => String(cell).padEnd(widths[at])).join('   ')}`);
}

function steady(hosts, burst) {
  const untilMs = 40 * minuteMs;
  const runs = few.map((seed) =>
    simulate({ hosts: alike(hosts, { isRecovering: true }), burst, untilMs, seed, policy }),
  );
  const spans = runs.map((seen) => new Span(seen, 10 * minuteMs, untilMs));
  const last = runs.map((seen) => new Span(seen, 30 * minuteMs, untilMs).fairness(hosts));
  const refused = mean(spans.map((span) => span.refusedOfAll));
  const refusedPosts = mean(spans.map((span) => span.refusedOfPosts));
  return `${percent(mean(spans.map((span) => span.used)))}; ${percent(refused, 1)}, ${percent(refusedPosts)}; ${mean(last).toFixed(2)}`;
}

print(
  '% of the limit used; % refused of all requests, of POST /runs alone; Jain over the last 10 of 40 minutes',
  sizes.map((hosts) => `N ${hosts}`),
  [20, 5].map((burst) => [`bucket ${burst}`, ...sizes.map((hosts) => steady(hosts, burst))]),
);

/** How hosts come to share; each with the minute from which ten are measured. */
const beginnings = {
  'all at once': (hosts) => ({ hosts: alike(hosts), from: 3 }),
  'after an outage': (hosts) => ({ hosts: alike(hosts, { isRecovering: true }), from: 3 }),
  'one every 10 s': (hosts) => ({
    hosts: seedsOf(hosts).map((host) => ({ startMs: (host - 1) * 10_000 })),
    from: 3 + (hosts - 1) / 6,
  }),
  'the last one 10 min later': (hosts) => ({
    hosts: seedsOf(hosts).map((host) => ({ startMs: host === hosts ? 10 * minuteMs : 0 })),
    from: 13,
  }),
};

function soon(count, beginning) {
  const { hosts, from } = beginning(count);
  const untilMs = (from + 10) * minuteMs;
  const spans = [20, 5].flatMap((burst) =>
    seeds.map(
      (seed) => new Span(simulate({ hosts, burst, untilMs, seed, policy }), from * minuteMs, untilMs),
    ),
  );
  const fairness = spans.map((span) => span.fairness(count));
  const poorest = spans.map((span) => span.poorest(count));
  return `${Math.min(...fairness).toFixed(2)}, ${mean(fairness).toFixed(2)}; ${Math.min(...poorest).toFixed(2)}, ${mean(poorest).toFixed(2)}`;
}

const several = sizes.filter((hosts) => hosts > 1 && hosts <= 20);
print(
  `minutes 3 to 13: Jain, the worst of ${2 * seeds.length} and the mean; the poorest host’s part of a fair share, likewise`,
  several.map((hosts) => `N ${hosts}`),
  Object.entries(beginnings).map(([name, beginning]) => [
    name,
    ...several.map((hosts) => soon(hosts, beginning)),
  ]),
);

/** Seconds until a minute begins in which less than a tenth is refused. */
function calmSeconds(hosts) {
  return mean(
    few.map((seed) => {
      const seen = simulate({
        hosts: alike(hosts, { isRecovering: true }),
        burst: 20,
        untilMs: 30 * minuteMs,
        seed,
        policy,
      });
      let fromMs = 0;
      while (fromMs < 29 * minuteMs && new Span(seen, fromMs, fromMs + minuteMs).refusedOfAll >= 0.1)
        fromMs += 1_000;
      return fromMs / 1_000;
    }),
  );
}

/** Seconds until 85 % are used again over ten seconds, after another client has left that took 70 % of the limit. */
function backSeconds(hosts) {
  const leftMs = 20 * minuteMs;
  const untilMs = 30 * minuteMs;
  return mean(
    [20, 5].flatMap((burst) =>
      few.map((seed) => {
        const foreign = { perSecond: 3.5, fromMs: 0, untilMs: leftMs };
        const seen = simulate({ hosts: alike(hosts), burst, untilMs, seed, policy, foreign });
        let fromMs = leftMs;
        while (fromMs < untilMs && new Span(seen, fromMs, fromMs + 10_000).used < 0.85) fromMs += 1_000;
        return (fromMs - leftMs) / 1_000;
      }),
    ),
  );
}

print(
  'seconds',
  sizes.map((hosts) => `N ${hosts}`),
  [
    ['until a calm minute begins, after an outage', ...sizes.map((hosts) => calmSeconds(hosts).toFixed(0))],
    [
      'until 85 % are used, after another client left',
      ...sizes.map((hosts) => (hosts > 100 ? '' : backSeconds(hosts).toFixed(0))),
    ],
  ],
);

/** Delays of runs, in seconds: half of them, and 99 in a hundred, are shorter. */
function delays(hosts, burst, isAsked) {
  const waited = few
    .flatMap((seed) => simulate({ hosts, burst, untilMs: 40 * minuteMs, seed, policy }))
    .filter(({ host, atMs, isTaken }) => isTaken && atMs > 10 * minuteMs && isAsked(host))
    .map(({ waitedMs }) => waitedMs / 1_000)
    .sort((a, b) => a - b);
  return [0.5, 0.99].map((part) => (waited[Math.floor(part * waited.length)] ?? NaN).toFixed(1)).join(', ');
}

const besideNoisy = [{}, ...alike(19, { everyMs: minuteMs })];
const inBatches = alike(20, { everyMs: 20_000 / 3, batch: 20 });
print(
  'seconds from a run being there to its request: median, 99th percentile',
  ['bucket 20', 'bucket 5'],
  [
    [
      '19 hosts with a run a minute, beside one with endless work',
      ...[20, 5].map((burst) => delays(besideNoisy, burst, (host) => host > 0)),
    ],
    [
      '20 hosts that use 60 % in batches of 20',
      ...[20, 5].map((burst) => delays(inBatches, burst, () => true)),
    ],
  ],
);
