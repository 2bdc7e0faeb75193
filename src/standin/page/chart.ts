/**
 * A chart: what the script draws, the data to draw it from, and the same data as a table, for those who have no script,
 * see no picture, or want the numbers. The table is open until the script has drawn, and again when it could not.
 */
import { html, raw } from 'hono/html';
import { worded } from '../../markup/figures.ts';
import { count, type Markup } from '../../markup/wording.ts';
import type { Library } from './served.ts';

const rowsMax = 200;

export interface Chart {
  readonly library: Library;
  /** Of all charts of a page different. */
  readonly label: string;
  /** As the library takes it. */
  readonly specification: unknown;
  readonly points: readonly Point[];
  /** Colours of the author's own are meant for a white ground, also where the page is dark. */
  readonly onPaper: boolean;
}

export interface Point {
  readonly series: string;
  readonly x: unknown;
  readonly y: unknown;
}

/** @param instead what else is shown where the chart cannot be drawn */
export function chartFigure(chart: Chart, instead: Markup | '' = ''): Markup {
  const { library, label, points } = chart;
  return html`<div class="chart" data-chart="${library}">
    <figure class="${chart.onPaper ? 'paper' : 'plain'}" ${chart.onPaper ? '' : 'data-own'} hidden>
      ${
        library === 'chartjs'
          ? html`<div class="canvas"><canvas role="img" aria-label="${label}"></canvas></div>`
          : html`<div class="plotly" role="img" aria-label="${label}"></div>`
      }
    </figure>
    <p class="problem" role="status" hidden>
      The chart could not be drawn from this content; here it is as it was sent.
    </p>
    <noscript><p class="hint">Charts are drawn by script, which is off: this is the data.</p></noscript>
    <script type="application/json">
      ${dataBlock(chart.specification)}
    </script>
    ${
      points.length === 0
        ? ''
        : html`<details open>
            <summary>The data as a table<span class="unseen">: ${label}</span></summary>
            ${pointTable(points, label)}
          </details>`
    }
    ${instead}
  </div>`;
}

function pointTable(points: readonly Point[], label: string): Markup {
  return html`<div class="wide low" tabindex="0" role="region" aria-label="${label}, as a table">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">Series</th>
            <th scope="col" class="number">x</th>
            <th scope="col" class="number">y</th>
          </tr>
        </thead>
        <tbody>
          ${points.slice(0, rowsMax).map(
            ({ series, x, y }) =>
              html`<tr>
                <th scope="row"><bdi>${worded(series)}</bdi></th>
                <td class="number"><bdi>${worded(x)}</bdi></td>
                <td class="number"><bdi>${worded(y)}</bdi></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      points.length > rowsMax
        ? html`<p class="hint">The first ${count(rowsMax)} of ${count(points.length)} points.</p>`
        : ''
    }`;
}

/**
 * JSON inside a script element that is not run. The only thing that could end the element is a `<`, which JSON can say
 * otherwise. A key `__proto__` would reach the libraries' own objects when they copy it.
 */
function dataBlock(specification: unknown): ReturnType<typeof raw> {
  const json = JSON.stringify(specification, (key, value: unknown) =>
    key === '__proto__' ? undefined : value,
  );
  return raw(json.replaceAll('<', '\\u003c'));
}
