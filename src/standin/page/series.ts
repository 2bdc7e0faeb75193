/** `statistics.series_data` (platform contract: documents): the objective and whatever else was followed, over time. */
import { html } from 'hono/html';
import { z } from 'zod';
import { chartFigure, type Chart } from './chart.ts';
import { visible, type Markup } from '../../markup/wording.ts';

const seriesMax = 12;
const pointsMax = 5_000;

const series = z.looseObject({
  name: z.string().optional(),
  data_points: z.array(z.looseObject({ x: z.number(), y: z.number() })).min(1),
});

function seriesCharts(statistics: Readonly<Record<string, unknown>>): Markup[] {
  return seriesOf(statistics['series_data'])
    .slice(0, seriesMax)
    .map(
      ({ name, points }, place) =>
        html`<div>
          <h3><bdi>${name}</bdi></h3>
          ${chartFigure(chartOf(name, points, place))}
        </div>`,
    );
}

interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** What does not look like a series is passed over: the figures' table has the rest, and the document has all. */
function seriesOf(data: unknown): Series[] {
  if (typeof data !== 'object' || data === null) return [];
  const { value, custom } = data as { value?: unknown; custom?: unknown };
  return [value, ...(Array.isArray(custom) ? (custom as unknown[]) : [])].flatMap((candidate, place) => {
    const read = series.safeParse(candidate);
    if (!read.success) return [];
    const name = visible(read.data.name ?? '') || (place === 0 ? 'value' : `series ${place}`);
    return [{ name, points: read.data.data_points.slice(0, pointsMax).map(({ x, y }) => ({ x, y })) }];
  });
}

function chartOf(name: string, points: Series['points'], place: number): Chart {
  return {
    library: 'chartjs',
    label: `Series ${place + 1}: ${name}`,
    onPaper: false,
    points: points.map(({ x, y }) => ({ series: name, x, y })),
    specification: {
      type: 'scatter',
      data: {
        datasets: [
          // A value holds until the next one is found, hence steps.
          {
            label: name,
            data: points,
            showLine: true,
            stepped: 'before',
            pointRadius: points.length > 60 ? 0 : 2.5,
          },
        ],
      },
      options: { plugins: { legend: { display: false } } },
    },
  };
}

/** Series beside each other where there is room. */
export function seriesSection(statistics: Readonly<Record<string, unknown>>): Markup | '' {
  const charts = seriesCharts(statistics);
  return charts.length === 0 ? '' : html`<div class="beside">${charts}</div>`;
}
