/** The pictures of the status page: runs day by day, the last runs of a drop root, and how a solve came to its end. */
import { html } from 'hono/html';
import prettyMs from 'pretty-ms';
import { madeLate } from '../../markup/madeLate.ts';
import type { SeriesPoint } from '../../core/solverFacts.ts';
import type { DayView } from '../operations.ts';
import { figure, scale, tickText, ticks } from '../../markup/picture.ts';
import { count, type Markup } from '../../markup/wording.ts';

/** Room for an axis' numbers at the left, and for its names below. */
const left = 58;
const width = 440;
const right = 8;

export interface DayOfRuns {
  /** `2026-01-31`, in UTC. */
  readonly day: string;
  readonly succeeded: number;
  readonly failed: number;
  /** Parked on that day. */
  readonly troubled: number;
}

const dayMs = 24 * 3_600_000;

/** All drop roots together, days without runs included. */
export function daysOf(history: readonly DayView[], count: number, nowMs: number): DayOfRuns[] {
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(nowMs - (count - 1 - at) * dayMs).toISOString().slice(0, 10);
    const own = history.filter((one) => one.day === day);
    const sum = (of: (one: DayView) => number): number => own.reduce((total, one) => total + of(one), 0);
    return {
      day,
      succeeded: sum(({ recorded, failed }) => recorded - failed),
      failed: sum(({ failed }) => failed),
      troubled: sum(({ parked }) => parked),
    };
  });
}

export function daysPicture(days: readonly DayOfRuns[]): Markup {
  const [top, bottom] = [10, 140];
  const sums = days.map(({ succeeded, failed, troubled }) => succeeded + failed + troubled);
  const marks = ticks(0, Math.max(4, ...sums), 4);
  const y = scale([0, marks.at(-1) ?? 1], [bottom, top]);
  const step = (width - left - right) / Math.max(1, days.length);
  const bar = (from: number, to: number, at: number, tone: string): Markup | '' =>
    to === from
      ? ''
      : html`<rect
          class="${tone}"
          x="${round(left + at * step + step * 0.14)}"
          y="${y(to)}"
          width="${round(step * 0.72)}"
          height="${round(y(from) - y(to))}"
        />`;
  const shapes = html`${grid(marks, y, tickText)}
  ${days.map(({ day, succeeded, failed, troubled }, at) => {
    const parts = [succeeded, succeeded + failed, succeeded + failed + troubled] as const;
    return html`<g>
      <title>
        ${day}: ${count(succeeded)} succeeded, ${count(failed)} failed, ${count(troubled)} needed a person
      </title>
      ${bar(0, parts[0], at, 'good')}${bar(parts[0], parts[1], at, 'bad')}${bar(parts[1], parts[2], at, 'odd')}
      ${
        at % 2 === (days.length - 1) % 2
          ? html`<text x="${round(left + (at + 0.5) * step)}" y="${bottom + 15}" text-anchor="middle">
              ${dayText(day)}
            </text>`
          : ''
      }
    </g>`;
  })}`;
  const total = sums.reduce((sum, runs) => sum + runs, 0);
  return figure({
    label: `Runs of the last ${days.length} days, ${count(total)} in all`,
    width,
    height: bottom + 22,
    shapes,
    key: [
      { tone: 'good', words: 'succeeded' },
      { tone: 'bad', words: 'failed' },
      { tone: 'odd', words: 'needed a person' },
    ],
    table: {
      head: ['Day', 'Succeeded', 'Failed', 'Needed a person'],
      rows: days
        .toReversed()
        .map(({ day, succeeded, failed, troubled }) => [
          day,
          count(succeeded),
          count(failed),
          count(troubled),
        ]),
    },
  });
}

export interface RecentRun {
  readonly run: number;
  readonly folder: string;
  readonly status: 'succeeded' | 'failed';
  readonly state: string;
  /** Of the solver, in ms; null: nobody knows. */
  readonly durationMs: number | null;
  /** A fraction; null: nobody knows. */
  readonly gap: number | null;
}

/** Bars are durations, dots above them are gaps. @param runs oldest first */
export function recentPicture(root: string, runs: readonly RecentRun[]): Markup {
  const hasGaps = runs.some(({ gap }) => gap !== null);
  const gapBottom = hasGaps ? 52 : 0;
  const [top, bottom] = [gapBottom + 14, gapBottom + 104];
  const durations = timeAxis(Math.max(1, ...runs.map(({ durationMs }) => (durationMs ?? 0) / 1000)), 3);
  const y = scale([0, durations.marks.at(-1) ?? 1], [bottom, top]);
  const gapMarks = ticks(0, Math.max(0.01, ...runs.map(({ gap }) => gap ?? 0)), 2);
  const gapY = scale([0, gapMarks.at(-1) ?? 1], [gapBottom - 4, 10]);
  // A handful of runs would be as wide as houses.
  const step = Math.min(24, (width - left - right) / Math.max(1, runs.length));
  const shapes = html`${hasGaps ? grid(gapMarks, gapY, percent) : ''}${grid(durations.marks, y, durations.text)}
  ${runs.map((run, at) => {
    const { durationMs, gap, status } = run;
    const tone = status === 'failed' ? 'bad' : 'good';
    const from = y((durationMs ?? 0) / 1000);
    // What took no time at all is still a run.
    const height = Math.max(2, bottom - from);
    return html`<g>
      <title>#${run.run} ${run.folder}: ${describeRecent(run)}</title>
      <rect
        class="${durationMs === null ? `${tone} unsure` : tone}"
        x="${round(left + at * step + step * 0.12)}"
        y="${round(bottom - height)}"
        width="${round(step * 0.76)}"
        height="${round(height)}"
      />
      ${gap === null ? '' : html`<circle class="gap" cx="${round(left + (at + 0.5) * step)}" cy="${gapY(gap)}" r="2.4" />`}
    </g>`;
  })}`;
  return figure({
    label: `Durations${hasGaps ? ' and gaps' : ''} of the last ${runs.length} runs of ${root}, newest at the right`,
    width,
    height: bottom + 6,
    shapes,
    key: [
      { tone: 'good', words: 'succeeded' },
      { tone: 'bad', words: 'failed' },
      ...(hasGaps ? [{ tone: 'gap', words: 'gap' }] : []),
    ],
    table: {
      head: ['Run', 'Status', 'Duration', 'Gap'],
      rows: runs
        .toReversed()
        .map(({ run, folder, status, durationMs, gap }) => [
          html`<a href="/runs/${run}">#${run} <bdi>${folder}</bdi></a>`,
          status,
          durationMs === null ? '–' : prettyMs(durationMs),
          gap === null ? '–' : percent(gap),
        ]),
    },
  });
}

function describeRecent({ status, durationMs, gap }: RecentRun): string {
  return [
    status,
    ...(durationMs === null ? [] : [prettyMs(durationMs)]),
    ...(gap === null ? [] : [`gap ${percent(gap)}`]),
  ].join(', ');
}

/** The best solution and the proven bound over time, as steps: a value holds until the next one is found. */
export function convergencePicture(
  incumbents: readonly SeriesPoint[],
  bounds: readonly SeriesPoint[],
  endS: number | null,
): Markup | '' {
  const all = [...incumbents, ...bounds];
  const [first] = all;
  if (first === undefined || all.length < 2) return '';
  const [top, bottom] = [10, 196];
  const lastS = Math.max(endS ?? 0, ...all.map(([seconds]) => seconds));
  const times = timeAxis(lastS > 0 ? lastS : 1, 5);
  const x = scale([0, times.marks.at(-1) ?? 1], [left, width - right]);
  const { low, high, outside } = drawnRange([incumbents, bounds]);
  const marks = ticks(low, high, 4);
  const y = scale([marks[0] ?? 0, marks.at(-1) ?? 1], [bottom, top]);
  const line = (points: readonly SeriesPoint[], tone: string): Markup | '' => {
    const [start, ...later] = points;
    if (start === undefined) return '';
    const steps = later.map(([seconds, value]) => `H${x(seconds)}V${y(value)}`).join('');
    return html`<path class="line ${tone}" d="M${x(start[0])} ${y(start[1])}${steps}H${x(lastS)}" />
      ${points.length <= 40 ? points.map(([s, value]) => html`<circle class="dot ${tone}" cx="${x(s)}" cy="${y(value)}" r="2" />`) : ''}`;
  };
  const shapes = html`${grid(marks, y, tickText)}
  ${times.marks.map(
    (mark, at) =>
      html`<text
        x="${x(mark)}"
        y="${bottom + 15}"
        text-anchor="${at === times.marks.length - 1 ? 'end' : 'middle'}"
      >
        ${times.text(mark)}
      </text>`,
  )}
  ${window([left, top, width - right, bottom], html`${line(bounds, 'bound')}${line(incumbents, 'incumbent')}`)}`;
  const inOrder = [
    ...incumbents.map(([seconds, value]) => ({ seconds, name: 'solution', value })),
    ...bounds.map(([seconds, value]) => ({ seconds, name: 'bound', value })),
  ].sort((a, b) => a.seconds - b.seconds);
  return figure({
    label: 'The best solution and the proven bound over time',
    width,
    height: bottom + 22,
    shapes,
    key: [
      ...(incumbents.length === 0 ? [] : [{ tone: 'incumbent', words: 'best solution' }]),
      ...(bounds.length === 0 ? [] : [{ tone: 'bound', words: 'proven bound' }]),
      ...(outside === 0
        ? []
        : [
            {
              tone: 'beyond',
              words: `${count(outside)} early ${outside === 1 ? 'value lies' : 'values lie'} outside`,
            },
          ]),
    ],
    table: {
      head: ['Seconds', 'What', 'Value'],
      rows: inOrder.map(({ seconds, name, value }) => [String(seconds), name, String(value)]),
    },
  });
}

/** So many times as large as the span of what matters may the drawn one be. */
const spansMax = 3;

/**
 * The values that are drawn. A first solution is often worse by magnitudes than what follows, and would press all of that
 * into one line: what matters is the later half of each series, and what lies as far around it again. Pure.
 */
export function drawnRange(series: readonly (readonly SeriesPoint[])[]): {
  readonly low: number;
  readonly high: number;
  /** How many values are not in it. */
  readonly outside: number;
} {
  const valuesOf = (points: readonly SeriesPoint[]): number[] => points.map(([, value]) => value);
  const all = series.flatMap(valuesOf);
  const later = series.flatMap((points) => valuesOf(points.slice(Math.floor(points.length / 2))));
  const whole = { low: Math.min(...all), high: Math.max(...all), outside: 0 };
  const span = Math.max(...later) - Math.min(...later);
  if (span === 0 || whole.high - whole.low <= spansMax * span) return whole;
  const low = Math.max(whole.low, Math.min(...later) - span);
  const high = Math.min(whole.high, Math.max(...later) + span);
  return { low, high, outside: all.filter((value) => value < low || value > high).length };
}

/** What reaches out of it is cut off, but for the dots on its border. */
function window(
  [x1, y1, x2, y2]: readonly [x1: number, y1: number, x2: number, y2: number],
  shapes: Markup,
): Markup {
  const border = 3;
  const [x, y, w, h] = [x1 - border, y1 - border, x2 - x1 + 2 * border, y2 - y1 + 2 * border];
  return html`<svg x="${x}" y="${y}" width="${w}" height="${h}" viewBox="${x} ${y} ${w} ${h}">
    ${shapes}
  </svg>`;
}

function grid(
  marks: readonly number[],
  y: (value: number) => number,
  text: (value: number) => string,
): Markup {
  return html`${marks.map(
    (mark) =>
      html`<line class="grid" x1="${left}" x2="${width - right}" y1="${y(mark)}" y2="${y(mark)}" />
        <text x="${left - 6}" y="${y(mark) + 4}" text-anchor="end">${text(mark)}</text>`,
  )}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayText(day: string): string {
  const [, month = '1', number = '1'] = day.split('-');
  return `${Number(number)} ${months[Number(month) - 1] ?? ''}`;
}

/** Round in the unit that people would say it in: 3 min, not 166 s. */
function timeAxis(secondsMax: number, wanted: number) {
  const [unit, seconds] =
    secondsMax < 120
      ? (['s', 1] as const)
      : secondsMax < 7_200
        ? (['min', 60] as const)
        : (['h', 3_600] as const);
  return {
    marks: ticks(0, secondsMax / seconds, wanted).map((mark) => mark * seconds),
    text: (mark: number): string => `${tickText(mark / seconds)} ${unit}`,
  };
}

const percents = madeLate(
  () => new Intl.NumberFormat('en', { style: 'percent', maximumSignificantDigits: 3 }),
);

export function percent(part: number): string {
  return percents().format(part);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
