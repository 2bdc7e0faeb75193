/** The bench's results as pictures: how far each goal is from being used up, and how cost grows. */

import { boundText } from './figures.mjs';

const style = `<style>
text { font: 12px sans-serif; fill: #57606a } .name { fill: #24292f } .head { font-weight: 600; fill: #24292f }
.axis { stroke: #d0d7de } .goal { stroke: #24292f; stroke-dasharray: 4 3 } .holds { fill: #1a7f37 } .short { fill: #cf222e }
.line { fill: none; stroke: #0969da; stroke-width: 1.5 } .dot { fill: #0969da } .line.second { stroke: #8250df; stroke-dasharray: 5 3 } .dot.second { fill: #8250df } .line.third { stroke: #9a6700; stroke-dasharray: 2 3 } .dot.third { fill: #9a6700 }
@media (prefers-color-scheme: dark) { text { fill: #8d96a0 } .name, .head { fill: #e6edf3 } .axis { stroke: #30363d } .goal { stroke: #e6edf3 } .holds { fill: #3fb950 } .short { fill: #f85149 } .line { stroke: #4493f8 } .dot { fill: #4493f8 } .line.second { stroke: #a371f7 } .dot.second { fill: #a371f7 } .line.third { stroke: #d29922 } .dot.third { fill: #d29922 } }
</style>`;

export const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export function svg(width, height, label, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">\n${style}\n${parts.join('\n')}\n</svg>\n`;
}

/** The widest of these texts at 12 px: an SVG cannot measure text, and a label that runs off the edge is lost. */
const widthOf = (texts) => Math.ceil(Math.max(0, ...texts.map(({ length }) => length)) * 6.4);

/**
 * Two panels of bars below each other: how much of each goal is used up, and how ours compares with what people would
 * use instead. Both share their columns, so that a measure is found at the same place in both.
 */
export function ratiosPicture(results) {
  const panels = [goalsPanel(results), besidePanel(results)].filter(({ groups }) => groups.length > 0);
  const bars = panels.flatMap(({ groups }) => groups.flatMap((group) => group.bars));
  const left = widthOf(bars.map(({ what }) => what)) + 16;
  const right = left + 480;
  const width = right + widthOf(bars.map(({ label }) => label)) + 16;
  const parts = [];
  let height = 0;
  for (const one of panels) {
    const drawn = barsPanel(one, left, right, height);
    parts.push(...drawn.parts);
    height = drawn.bottom;
  }
  const label =
    'Each measure against its goal: bars that end left of the line hold; ' +
    'and beside what people would use instead: bars to the right of the line are better';
  return svg(width, height, label, parts);
}

/**
 * A bar for each figure with a goal: how much of the goal is used up, on a scale where each step is ten times the last.
 * Left of the line the goal holds.
 */
function goalsPanel(results) {
  return {
    caption: 'How much of each goal is used up; what ends left of the line holds.',
    // From the edge: a bar stands for what is used up, however little that is.
    scale: { least: 0.01, most: 10, begin: 0.01 },
    marks: [0.01, 0.1, 1, 10].map((at) => ({ at, text: at === 1 ? 'the goal' : `${at}× of it` })),
    groups: groupsOf(
      results,
      ({ share }) => share !== null,
      ({ what, share, holds, ...rest }) => ({ what, value: share, holds, label: goalLabel(rest) }),
    ),
  };
}

function goalLabel({ ours, unit, ratio, goal }) {
  const bound = boundText(goal);
  return goal.of === 'ratio' ? `${ratio}× (${bound}×)` : `${ours[goal.of]} ${unit} (${bound})`;
}

/**
 * A bar for each figure with a reference: how many times better ours is, to the right where it is better and to the
 * left where it is worse, whether more or less of its unit is wanted. The label is the ratio as the table has it.
 */
function besidePanel(results) {
  return {
    caption:
      'Beside what people would use instead: how many times better; what is right of the line is better.',
    scale: { least: 0.01, most: 10_000, begin: 1 },
    marks: [0.01, 0.1, 1, 10, 100, 1_000, 10_000].map((at) => ({
      at,
      text: at === 1 ? 'the same' : `${at.toLocaleString('en')}×`,
    })),
    groups: groupsOf(results, isBesideAnother, ({ what, unit, beside, ratio }) => {
      const times = moreIsBetter.includes(unit) ? ratio : 1 / ratio;
      return { what, value: times, holds: times >= 1, label: `${ratio}× ${beside.name}` };
    }),
  };
}

/** Of all other units less is better. */
const moreIsBetter = ['runs/s', 'MB/s'];

/** The same program at another size, or the bound of what is possible, is nothing that people would use instead. */
const isBesideAnother = ({ beside, ratio }) =>
  ratio !== null && beside !== null && !/^(?:at |with |limit$)/.test(beside.name);

/** A group for each result that has something to show; the others would be headings of nothing. */
function groupsOf(results, isShown, shape) {
  return results
    .map(({ name, kind, figures }) => ({
      head: `${name}${kind === 'short' ? ' (short run)' : ''}`,
      bars: figures.filter(isShown).map(shape),
    }))
    .filter(({ bars }) => bars.length > 0);
}

/** @returns the parts, and the y below them where the next panel may begin */
function barsPanel({ caption, scale, marks, groups }, left, right, top) {
  const row = 20;
  const x = placeOn(scale, left, right);
  const parts = [`<text x="8" y="${top + 14}">${escaped(caption)}</text>`];
  let y = top + 30;
  for (const { head, bars } of groups) {
    parts.push(`<text x="8" y="${y + 4}" class="head">${escaped(head)}</text>`);
    y += row;
    for (const { what, value, holds, label } of bars) {
      parts.push(
        `<text x="${left - 8}" y="${y + 4}" text-anchor="end" class="name">${escaped(what)}</text>`,
        barOf(x(scale.begin), x(value), y, holds),
        `<text x="${right + 8}" y="${y + 4}">${escaped(label)}</text>`,
      );
      y += row;
    }
    y += 6;
  }
  parts.push(`<line x1="${x(1)}" y1="${top + 22}" x2="${x(1)}" y2="${y}" class="goal"/>`);
  for (const { at, text } of marks)
    parts.push(`<text x="${x(at)}" y="${y + 14}" text-anchor="middle">${text}</text>`);
  return { parts, bottom: y + 36 };
}

/** Where a value is on a scale by powers of ten; what is outside of it is drawn at its end. */
function placeOn({ least, most }, left, right) {
  const decades = Math.log10(most / least);
  return (value) => {
    const shown = Math.min(most, Math.max(least, value));
    return Number((left + (Math.log10(shown / least) / decades) * (right - left)).toFixed(1));
  };
}

/** Never narrower than 2 px: a value at the beginning of the scale is there too, and is to be seen. */
function barOf(begin, end, y, holds) {
  const width = Math.max(2, Math.abs(end - begin));
  const from = end < begin ? begin - width : begin;
  return `<rect x="${from.toFixed(1)}" y="${y - 6}" width="${width.toFixed(1)}" height="12" class="${holds ? 'holds' : 'short'}"/>`;
}

/** A panel for each kind of growth: both axes by powers of ten, so that what grows linearly is a line at 45 degrees. */
export function growthPicture(curves) {
  const [columns, panelWidth, panelHeight] = [2, 480, 220];
  const parts = curves.map((curve, at) =>
    panel(
      curve,
      (at % columns) * panelWidth,
      Math.floor(at / columns) * panelHeight,
      panelWidth,
      panelHeight,
    ),
  );
  const height = Math.max(1, Math.ceil(curves.length / columns)) * panelHeight;
  return svg(
    columns * panelWidth,
    height,
    'How cost grows with finished folders, backlog, artefacts and history',
    parts,
  );
}

function panel({ title, unit, x: xName, lines }, left, top, width, height) {
  const points = lines.flatMap((line) => line.points).filter(([x, y]) => x > 0 && y > 0);
  if (points.length === 0) return '';
  const range = (values) => [
    Math.floor(Math.log10(Math.min(...values))),
    Math.ceil(Math.log10(Math.max(...values))),
  ];
  const [xLow, xHigh] = range(points.map(([x]) => x));
  const [yLow, yHigh] = range(points.map(([, y]) => y));
  const inner = { left: left + 64, right: left + width - 36, top: top + 34, bottom: top + height - 40 };
  const share = (value, low, high) => (Math.log10(value) - low) / Math.max(1, high - low);
  const px = (x) => inner.left + share(x, xLow, xHigh) * (inner.right - inner.left);
  const py = (y) => inner.bottom - share(y, yLow, yHigh) * (inner.bottom - inner.top);
  const powers = (low, high) =>
    Array.from({ length: Math.max(1, high - low) + 1 }, (_, n) => 10 ** (low + n));
  const parts = [
    `<text x="${left + 12}" y="${top + 18}" class="head">${escaped(`${title}, ${unit}, by ${xName}`)}</text>`,
  ];
  for (const power of powers(yLow, yHigh)) {
    parts.push(
      `<line x1="${inner.left}" y1="${py(power)}" x2="${inner.right}" y2="${py(power)}" class="axis"/>`,
      `<text x="${inner.left - 6}" y="${py(power) + 4}" text-anchor="end">${power.toLocaleString('en')}</text>`,
    );
  }
  for (const power of powers(xLow, xHigh))
    parts.push(
      `<text x="${px(power)}" y="${inner.bottom + 16}" text-anchor="middle">${power.toLocaleString('en')}</text>`,
    );
  // A line that was not measured has no place in the legend, nor is it the one that is drawn solid.
  const drawn = lines
    .map(({ name, points: all }) => ({ name, shown: all.filter(([x, y]) => x > 0 && y > 0) }))
    .filter(({ shown }) => shown.length > 0);
  let legendX = inner.left;
  drawn.forEach(({ name, shown }, n) => {
    const { kind, mark } = kindsOfLine[n % kindsOfLine.length];
    const path = shown.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" class="line ${kind}"/>`);
    for (const [x, y] of shown) parts.push(mark(px(x), py(y), `dot ${kind}`));
    parts.push(
      mark(legendX + 4, inner.bottom + 28, `dot ${kind}`),
      `<text x="${legendX + 14}" y="${inner.bottom + 32}" class="name">${escaped(name)}</text>`,
    );
    legendX += widthOf([name]) + 34;
  });
  return parts.join('\n');
}

/** Told apart without colour too. */
const kindsOfLine = [
  {
    kind: 'first',
    mark: (x, y, of) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" class="${of}"/>`,
  },
  {
    kind: 'second',
    mark: (x, y, of) =>
      `<rect x="${(x - 3).toFixed(1)}" y="${(y - 3).toFixed(1)}" width="6" height="6" class="${of}"/>`,
  },
  {
    kind: 'third',
    mark: (x, y, of) => {
      const corners = [
        [x, y - 4],
        [x + 4, y + 3],
        [x - 4, y + 3],
      ].map((corner) => corner.map((at) => at.toFixed(1)).join(','));
      return `<polygon points="${corners.join(' ')}" class="${of}"/>`;
    },
  },
];
