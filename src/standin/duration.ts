/** Durations as people write them and as they are shown: `500ms`, `2s`, `15m`, never a bare number. */
import ms from 'ms';

const form = /^\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)$/;
const shownUnits: readonly (readonly [suffix: string, ms: number])[] = [
  ['d', ms('1d')],
  ['h', ms('1h')],
  ['m', ms('1m')],
  ['s', ms('1s')],
];

export const durationForm = 'a number with its unit, for example 500ms, 2s or 15m (units: ms, s, m, h, d)';

/** Whole milliseconds, or null for a text of another form. */
export function durationMs(text: string): number | null {
  return form.test(text) ? Math.round(ms(text as ms.StringValue)) : null;
}

/** In the largest unit that loses nothing, so that what is shown can be sent back. */
export function durationText(durationMs: number): string {
  const unit = shownUnits.find(([, unitMs]) => durationMs >= unitMs && durationMs % unitMs === 0);
  return unit === undefined ? `${durationMs}ms` : `${durationMs / unit[1]}${unit[0]}`;
}
