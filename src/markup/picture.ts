/**
 * Pictures as SVG within a page: no script, no library, colours by the style sheet's classes. Each comes with its numbers
 * as a table, for those who see no picture or want to know exactly.
 */
import { html } from 'hono/html';
import { madeLate } from './madeLate.ts';
import type { Markup } from './wording.ts';

/** From values to places: `at(value)`. Where all values are equal they lie in the middle. */
export function scale(from: readonly [number, number], to: readonly [number, number]) {
  const [low, high] = from;
  const [start, end] = to;
  return (value: number): number => {
    const part = high === low ? 0.5 : (value - low) / (high - low);
    return Math.round((start + part * (end - start)) * 10) / 10;
  };
}

/** Round numbers from the first at or below `low` to the first at or above `high`, about `wanted` of them. */
export function ticks(low: number, high: number, wanted: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 2.5, 5, 10].map((times) => times * power).find((size) => size >= rough * 0.999) ?? rough;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** No more digits than neighbours on an axis need to differ. */
const plain = madeLate(() => new Intl.NumberFormat('en', { maximumSignificantDigits: 6 }));
const short = madeLate(
  () => new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 6 }),
);
const shortFrom = 100_000;

/** A number beside an axis. */
export function tickText(value: number): string {
  if (Math.abs(value) > 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return (Math.abs(value) < shortFrom ? plain : short)().format(value);
}

export interface Picture {
  /** Of all pictures of a page different: what it shows, in a sentence. */
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly shapes: Markup;
  /** What its colours mean, if it has several. */
  readonly key: readonly { readonly tone: string; readonly words: string }[];
  readonly table: Table;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | Markup)[])[];
}

export function figure({ label, width, height, shapes, key, table }: Picture): Markup {
  return html`<figure class="picture">
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${shapes}</svg>
    ${
      key.length === 0
        ? ''
        : html`<figcaption>
            ${key.map(({ tone, words }) => html`<span class="swatch ${tone}">${words}</span> `)}
          </figcaption>`
    }
    <details>
      <summary>The numbers<span class="unseen">: ${label}</span></summary>
      ${tableOf(table, label)}
    </details>
  </figure>`;
}

function tableOf({ head, rows }: Table, label: string): Markup {
  return html`<div class="wide low" tabindex="0" role="region" aria-label="${label}, as a table">
    <table class="figures">
      <thead>
        <tr>
          ${head.map((name, at) => html`<th scope="col" ${at > 0 ? html`class="number"` : ''}>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([first, ...rest]) =>
            html`<tr>
              <th scope="row">${first}</th>
              ${rest.map((cell) => html`<td class="number">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
