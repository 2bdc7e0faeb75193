/** The bench's results as pictures: how far each goal is from being used up, and how cost grows. */

const style = `<style>
text { font: 12px sans-serif; fill: #57606a } .name { fill: #24292f } .head { font-weight: 600; fill: #24292f }
.axis { stroke: #d0d7de } .goal { stroke: #24292f; stroke-dasharray: 4 3 } .holds { fill: #1a7f37 } .short { fill: #cf222e }
.line { fill: none; stroke: #0969da; stroke-width: 1.5 } .dot { fill: #0969da } .line.beside { stroke: #8250df; stroke-dasharray: 5 3 } .dot.beside { fill: #8250df }
@media (prefers-color-scheme: dark) { text { fill: #8d96a0 } .name, .head { fill: #e6edf3 } .axis { stroke: #30363d } .goal { stroke: #e6edf3 } .holds { fill: #3fb950 } .short { fill: #f85149 } .line { stroke: #4493f8 } .dot { fill: #4493f8 } .line.beside { stroke: #a371f7 } .dot.beside { fill: #a371f7 } }
</style>`;

export const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export function svg(width, height, label, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">\n${style}\n${parts.join('\n')}\n</svg>\n`;
}

/**
 * A bar for each figure with a goal: how much of the goal is used up, on a scale where each step is ten times the last.
 * Left of the line the goal holds.
 */
export function ratiosPicture(results) {
  const [left, right, row, width] = [330, 180, 20, 990];
  const [least, most] = [0.01, 10];
  const x = (share) =>
    left +
    ((Math.log10(Math.min(most, Math.max(least, share))) - Math.log10(least)) /
      (Math.log10(most) - Math.log10(least))) *
      (width - left - right);
  const parts = [];
  let y = 30;
  for (const { name, kind, figures } of results) {
    const judged = figures.filter(({ share }) => share !== null);
    if (judged.length === 0) continue;
    parts.push(
      `<text x="8" y="${y + 4}" class="head">${name}${kind === 'short' ? ' (short run)' : ''}</text>`,
    );
    y += row;
    for (const { what, ours, unit, ratio, goal, holds, share } of judged) {
      const bound = `${goal.atMost === undefined ? '≥' : '≤'} ${goal.atMost ?? goal.atLeast}`;
      const value = goal.of === 'ratio' ? `${ratio}× (${bound}×)` : `${ours[goal.of]} ${unit} (${bound})`;
      parts.push(
        `<text x="${left - 8}" y="${y + 4}" text-anchor="end" class="name">${escaped(what)}</text>`,
        `<rect x="${left}" y="${y - 6}" width="${(x(share) - left).toFixed(1)}" height="12" class="${holds ? 'holds' : 'short'}"/>`,
        `<text x="${width - right + 8}" y="${y + 4}">${escaped(value)}</text>`,
      );
      y += row;
    }
    y += 6;
  }
  const line = x(1);
  const marks = [0.01, 0.1, 1, 10].map(
    (share) =>
      `<text x="${x(share)}" y="${y + 14}" text-anchor="middle">${share === 1 ? 'the goal' : `${share}× of it`}</text>`,
  );
  return svg(width, y + 26, 'Each measure against its goal: bars that end left of the line hold', [
    `<text x="8" y="14">How much of each goal is used up; what ends left of the line holds.</text>`,
    ...parts,
    `<line x1="${line}" y1="22" x2="${line}" y2="${y}" class="goal"/>`,
    ...marks,
  ]);
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
    `<text x="${left + 12}" y="${top + 18}" class="head">${escaped(title)}, ${escaped(unit)}</text>`,
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
  parts.push(`<text x="${inner.right}" y="${inner.bottom + 32}" text-anchor="end">${escaped(xName)}</text>`);
  lines.forEach(({ name, points: all }, n) => {
    const shown = all.filter(([x, y]) => x > 0 && y > 0);
    const kind = n === 0 ? '' : ' beside';
    const path = shown.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" class="line${kind}"/>`);
    for (const [x, y] of shown)
      parts.push(`<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3" class="dot${kind}"/>`);
    parts.push(
      `<text x="${inner.left + n * 170}" y="${inner.bottom + 32}" class="name">${n === 0 ? '●' : '○'} ${escaped(name)}</text>`,
    );
  });
  return parts.join('\n');
}
