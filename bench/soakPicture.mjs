/** The soak as a picture: what is to stay flat, over time, each in a strip of its own scale. */
const [width, height, left, top] = [820, 96, 150, 26];
const strips = [
  { key: 'rssMiB', name: 'memory', unit: 'MiB' },
  { key: 'openFiles', name: 'open files', unit: '' },
  { key: 'walMiB', name: 'write-ahead log', unit: 'MiB' },
];

export function soakPicture(samples) {
  const minutes = Math.max(...samples.map(({ minute }) => minute), 1);
  const x = (minute) => left + (minute / minutes) * (width - left - 20);
  const parts = strips.map(({ key, name, unit }, at) => {
    const base = top + (at + 1) * height - 22;
    const most = Math.max(...samples.map((one) => one[key]), 1);
    const y = (value) => base - (value / most) * (height - 34);
    const points = samples.map((one) => `${x(one.minute).toFixed(1)},${y(one[key]).toFixed(1)}`).join(' ');
    const last = samples.at(-1)?.[key] ?? 0;
    return `<line x1="${left}" y1="${base}" x2="${width - 20}" y2="${base}" class="axis"/>
<text x="12" y="${base - 34}" class="name">${name}</text>
<text x="12" y="${base - 16}">${last} ${unit} at the end</text>
<text x="12" y="${base}">${most} ${unit} at most</text>
<polyline points="${points}" class="line"/>`;
  });
  const bottom = top + strips.length * height;
  const hours = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(share * minutes)}" y="${bottom}" text-anchor="middle">${Math.round(share * minutes)} min</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 12}" role="img" aria-label="Memory, open files and write-ahead log of the daemon over ${Math.round(minutes)} minutes">
<style>
text { font: 12px sans-serif; fill: #57606a } .name { font-weight: 600; fill: #24292f }
.axis { stroke: #d0d7de } .line { fill: none; stroke: #0969da; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #8d96a0 } .name { fill: #e6edf3 } .axis { stroke: #30363d } .line { stroke: #4493f8 } }
</style>
${parts.join('\n')}
${hours.join('\n')}
</svg>
`;
}
