/** What becomes of measured values: least, median, most, the ratio to a reference, and whether the goal holds. */

export const median = (values) => {
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
 * @param goal `{ of: 'ratio' | 'median' | 'max', atMost | atLeast: number }`; null: the figure stands for itself
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
  if (goal.atMost !== undefined) {
    const share = goal.atMost === 0 ? (value === 0 ? 0.5 : 10) : value / goal.atMost;
    return { holds: value <= goal.atMost, share: rounded(share) };
  }
  return { holds: value >= goal.atLeast, share: rounded(goal.atLeast / Math.max(value, 1e-9)) };
}

const spanText = ({ min, median: middle, max }) => `${middle} (${min}-${max})`;

function goalText(goal) {
  if (goal === null) return '';
  const bound = goal.atMost === undefined ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  return goal.of === 'ratio' ? `${bound}×` : bound;
}

const verdictText = (holds) => (holds === null ? '' : holds ? 'holds' : 'FALLS SHORT');

/** All results as one page: what is ours, what is beside it, and how each goal fares. */
export function markdownOf(results) {
  const head = `# What it costs\n\nMade by \`npm run bench\`; docs/cost.md says how each figure is taken.`;
  return `${[head, ...results.map(sectionOf)].join('\n\n')}\n`;
}

function sectionOf({ name, what, kind, rounds, takenAt, versions, figures, notes }) {
  const short =
    kind === 'short' ? ' **A short run, to try the bench out: these figures are no results.**' : '';
  const cells = (texts) => `| ${texts.join(' | ')} |`;
  const rows = figures.map((one) => cells(cellsOf(one)));
  const table = [cells(heads), cells(heads.map(() => '---')), ...rows].join('\n');
  const of = Object.entries(versions).map((pair) => pair.join(' '));
  return [
    `## ${name}`,
    `${what}.${short}`,
    table,
    [...notesOf(figures), ...notes].map((note) => `- ${note}`).join('\n'),
    `${rounds} rounds, ${takenAt.slice(0, 10)}, ${of.join(', ')}`,
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
  verdictText(holds),
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
