/** What becomes of measured values: least, median, most, the ratio to a reference, and whether the goal holds. */

/** NaN where one is no number: what was not measured has no place in an order. */
export const median = (values) => {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value))) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

export const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];

/** Three digits that count: more would be noise. */
export const rounded = (value) => (Number.isFinite(value) ? Number(value.toPrecision(3)) : null);

const spread = (values) => ({
  values: values.map(rounded),
  min: rounded(Math.min(...values)),
  median: rounded(median(values)),
  max: rounded(Math.max(...values)),
});

/**
 * One line of a table.
 * @param ours a value for each round
 * @param beside `{ name, values }` of the reference, round by round; null: there is none
 * @param goal `{ of: 'ratio' | 'median' | 'max', atMost, atLeast: number }`, one bound or both; null: the figure stands for itself
 * @returns `holds`: null with a goal means that it was not measured
 */
export function figure({ what, unit, ours, beside = null, goal = null, note = null }) {
  const own = spread(ours);
  const other = beside === null ? null : { name: beside.name, ...spread(beside.values) };
  // Pair by pair, because the machine's moods concern both of a pair.
  const pairs =
    beside === null ? [] : ours.slice(0, beside.values.length).map((one, n) => one / beside.values[n]);
  const ratio = pairs.length === 0 ? null : rounded(median(pairs));
  return { what, unit, ours: own, beside: other, ratio, goal, ...verdictOf(goal, ratio, own), note };
}

/** @returns `share` of the goal that is used up: 1 is the goal itself, less is better */
function verdictOf(goal, ratio, own) {
  if (goal === null) return { holds: null, share: null };
  const value = goal.of === 'ratio' ? ratio : own[goal.of];
  if (value === null) return { holds: null, share: null };
  const most = goal.atMost ?? Infinity;
  const least = goal.atLeast ?? -Infinity;
  const shares = [
    ...(goal.atMost === undefined ? [] : [shareOf(value, most)]),
    ...(goal.atLeast === undefined ? [] : [least / Math.max(value, 1e-9)]),
  ];
  return { holds: value <= most && value >= least, share: rounded(Math.max(...shares)) };
}

/** Of nothing, nothing can be used up. */
const shareOf = (value, most) => (most === 0 ? (value === 0 ? 0.5 : 10) : value / most);

const spanText = ({ min, median: middle, max }) => (middle === null ? '-' : `${middle} (${min}-${max})`);

function goalText(goal) {
  if (goal === null) return '';
  return goal.of === 'ratio' ? `${boundText(goal)}×` : boundText(goal);
}

export function boundText({ atMost, atLeast }) {
  if (atMost === undefined) return `≥ ${rounded(atLeast)}`;
  return atLeast === undefined ? `≤ ${rounded(atMost)}` : `${rounded(atLeast)} to ${rounded(atMost)}`;
}

export const isUnmeasured = ({ goal, holds }) => goal !== null && holds === null;

function verdictText({ goal, holds }) {
  if (goal === null) return '';
  if (holds === null) return 'NOT MEASURED';
  return holds ? 'holds' : 'FALLS SHORT';
}

/** A goal that was not measured counts as little as one that is not reached. */
function verdictsOf(results) {
  const all = results.flatMap((result) =>
    result.figures.filter(({ goal }) => goal !== null).map((one) => ({ ...one, name: headOf(result) })),
  );
  const of = (verdict) => all.filter(({ holds }) => holds === verdict);
  const [held, short, unmeasured] = [of(true), of(false), of(null)];
  const count = `${held.length} of ${all.length} goals hold, ${short.length} fall short, ${unmeasured.length} were not measured`;
  return { short, unmeasured, count };
}

/** What is said at the end. */
export function verdictLines(results) {
  const { short, unmeasured, count } = verdictsOf(results);
  const part = (head, ones) =>
    ones.length === 0 ? [] : [head, ...ones.map(({ name, what }) => `  ${name}: ${what}`)];
  return [
    ...part('falls short of its goal:', short),
    ...part('not measured, and so not shown to hold:', unmeasured),
    count,
  ];
}

/** What a page begins with. */
function verdictSection(results) {
  const { short, unmeasured, count } = verdictsOf(results);
  const lines = [...short, ...unmeasured].map(
    (one) => `- ${one.name}: ${one.what}: ${reachedText(one)}, ${goalText(one.goal)} is wanted`,
  );
  return [`${count}${lines.length === 0 ? '.' : ':'}`, ...(lines.length === 0 ? [] : [lines.join('\n')])];
}

const reachedText = ({ holds, goal, ratio, ours }) =>
  holds === null ? 'not measured' : goal.of === 'ratio' ? `${ratio}×` : `${ours[goal.of]} (${goal.of})`;

/** All results as one page: what is ours, what is beside it, and how each goal fares. */
export function markdownOf(results) {
  const head = `# What it costs\n\nMade by \`npm run bench\`; docs/cost.md says how each figure is taken.`;
  return `${[head, ...verdictSection(results), ...results.map(sectionOf)].join('\n\n')}\n`;
}

const headOf = ({ name, kind }) => (kind === 'huge' ? `${name}, with --huge` : name);

const remarks = {
  whole: '',
  huge: '',
  short: ' **A short run, to try the bench out: these figures are no results.**',
  incomplete: ' **Goals were not measured: these figures are no results.**',
};

/** How much of the machine was at other work: figures are as good as that is little. */
const besideText = ({ othersCores, cores }) =>
  othersCores === undefined ? '' : `, others kept ${othersCores} of ${cores} cores busy meanwhile`;

function sectionOf({ name, what, kind, rounds, takenAt, load, versions, figures, notes }) {
  const cells = (texts) => `| ${texts.join(' | ')} |`;
  const rows = figures.map((one) => cells(cellsOf(one)));
  const table = [cells(heads), cells(heads.map(() => '---')), ...rows].join('\n');
  const of = Object.entries(versions).map((pair) => pair.join(' '));
  return [
    `## ${headOf({ name, kind })}`,
    `${what}.${remarks[kind]}`,
    table,
    [...notesOf(figures), ...notes].map((note) => `- ${note}`).join('\n'),
    `${rounds} rounds, ${takenAt.slice(0, 10)}${besideText(load ?? {})}, ${of.join(', ')}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const heads = ['', 'median (min-max)', 'beside it', 'ratio', 'goal', ''];

const cellsOf = ({ what, unit, ours, beside, ratio, goal, holds }) => [
  unit === '' ? what : `${what}, ${unit}`,
  spanText(ours),
  beside === null ? '' : `${spanText(beside)} ${beside.name}`,
  ratio === null ? '' : `${ratio}×`,
  goalText(goal),
  verdictText({ goal, holds }),
];

const notesOf = (figures) => figures.flatMap(({ what, note }) => (note === null ? [] : [`${what}: ${note}`]));

/** As text for people: median (least-most), the reference likewise, the ratio, the goal, holds or not. */
export function tableOf(figures) {
  const rows = [heads, ...figures.map(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n]))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...notesOf(figures).map((note) => `  ${note}`)].join('\n');
}
