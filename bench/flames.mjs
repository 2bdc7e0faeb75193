/** A flame graph: as wide as a function's share of the time, those that it called on top of it. */
import { escaped, svg } from './pictures.mjs';

const [width, row, margin] = [1_200, 17, 10];
/** What is narrower cannot be seen, and is many. */
const pixelsMin = 1.5;
/** And what is narrower than this has no room for a name. */
const namedPixelsMin = 40;
const pixelsOfCharacter = 6.2;
/** Callers beyond these are others' machinery. */
const depthMax = 32;

/** @param tree `{name, ms, calls}` @param title what was profiled */
export function flamePicture(tree, title) {
  const scale = (width - 2 * margin) / tree.ms;
  const boxes = [];
  let deepest = 0;
  const draw = ({ name, ms, calls }, left, depth) => {
    const pixels = ms * scale;
    if (pixels < pixelsMin || depth > depthMax) return;
    deepest = Math.max(deepest, depth);
    boxes.push({ name, ms, left, pixels, depth });
    let at = left;
    for (const call of [...calls.values()].toSorted((a, b) => a.name.localeCompare(b.name))) {
      draw(call, at, depth + 1);
      at += call.ms * scale;
    }
  };
  draw(tree, margin, 0);
  const height = 30 + (deepest + 1) * row;
  const parts = boxes.map(({ name, ms, left, pixels, depth }) => {
    const y = height - (depth + 1) * row;
    const share = ((100 * ms) / tree.ms).toFixed(1);
    const shown = name.slice(0, Math.floor(pixels / pixelsOfCharacter) - 1);
    const label =
      pixels < namedPixelsMin
        ? ''
        : `<text x="${(left + 3).toFixed(1)}" y="${y + 12}" class="name">${escaped(shown)}</text>`;
    const kind = kindOf(name);
    return `<g><title>${escaped(name)}: ${Math.round(ms)} ms, ${share} %</title><rect x="${left.toFixed(1)}" y="${y}" width="${(pixels - 0.5).toFixed(1)}" height="${row - 1}" class="flame ${kind}"/>${label}</g>`;
  });
  const colours = `<style>.flame { fill: #ffd8a8 } .flame.ours { fill: #a5d8ff } .flame.engine { fill: #e9ecef }
@media (prefers-color-scheme: dark) { .flame { fill: #7f4f1d } .flame.ours { fill: #1c4f7c } .flame.engine { fill: #3a3f45 } }</style>`;
  return svg(width, height, title, [
    colours,
    `<text x="${margin}" y="18" class="head">${escaped(title)}</text>`,
    ...parts,
  ]);
}

/** Blue what is ours, grey what is V8's own or C++, orange Node and the libraries. */
function kindOf(name) {
  if (/ dist\//.test(name) && !name.includes('dist/chunks/undici')) return 'ours';
  return name.includes(' ') ? '' : 'engine';
}
