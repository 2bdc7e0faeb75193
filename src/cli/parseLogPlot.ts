/** The best solution and the bound over time, as characters. */
import { styleText } from 'node:util';
import type { SeriesPoint } from '../core/solverFacts.ts';

const widthMin = 40;
const widthMax = 100;
const heightMax = 16;
const heightMin = 6;
const columnsUsual = 80;
const rowsUsual = 24;
/** Room for the values beside the picture. */
const labelChars = 13;

/** What a picture needs of a log. */
export interface Convergence {
  readonly incumbents: readonly SeriesPoint[];
  readonly bounds: readonly SeriesPoint[];
  readonly runtime_seconds?: number;
}

/**
 * @param terminalColumns, terminalRows of the terminal; 0 where it does not say
 * @returns lines of text; empty where there is too little to draw: fewer than two moments, or no place for it
 */
export function convergencePlot(
  { incumbents, bounds, runtime_seconds: runtime }: Convergence,
  terminalColumns = 0,
  terminalRows = 0,
): string {
  const points = [...incumbents, ...bounds];
  const secondsMax = Math.max(runtime ?? 0, ...points.map(([seconds]) => seconds));
  const width = Math.min(widthMax, terminalColumns || columnsUsual) - labelChars - 2;
  const height = Math.max(heightMin, Math.min(heightMax, (terminalRows || rowsUsual) - 10));
  if (points.length < 2 || secondsMax === 0 || width < widthMin - labelChars) return '';
  const [lowest, highest] = rangeOf([incumbents, bounds], secondsMax);
  const cells = Array.from({ length: height }, () => Array.from({ length: width }, () => ' '));
  const rowOf = (value: number): number => {
    const share = highest === lowest ? 0.5 : (value - lowest) / (highest - lowest);
    return Math.round((1 - Math.min(1, Math.max(0, share))) * (height - 1));
  };
  const draw = (series: readonly SeriesPoint[], sign: string): void => {
    for (let column = 0; column < width; column += 1) {
      const value = valueAt(series, (column / (width - 1)) * secondsMax);
      const row = value === undefined ? undefined : cells[rowOf(value)];
      if (row !== undefined) row[column] = sign;
    }
  };
  draw(bounds, '.');
  // Drawn last: where both are one, the solution is what one looks for.
  draw(incumbents, '*');
  const label = (row: number): string => {
    const text = row === 0 ? short(highest) : row === height - 1 ? short(lowest) : '';
    return text.padStart(labelChars);
  };
  const picture = cells.map((row, index) => `${label(index)} |${coloured(row.join('').trimEnd())}`);
  const axis = `${' '.repeat(labelChars)} +${'-'.repeat(width)}`;
  const times = `${' '.repeat(labelChars + 2)}0 s${`${short(secondsMax)} s`.padStart(width - 3)}`;
  const legend = `${' '.repeat(labelChars + 2)}${coloured('*')} best solution   ${coloured('.')} bound`;
  return [...picture, axis, times, legend].join('\n');
}

/** What is far away at the very beginning would flatten all else: it is drawn at the edge. */
const beginningShare = 0.05;

function rangeOf(series: readonly (readonly SeriesPoint[])[], secondsMax: number): [number, number] {
  const from = beginningShare * secondsMax;
  const values = series.flatMap((points) => [
    valueAt(points, from) ?? [],
    points.filter(([seconds]) => seconds > from).map(([, value]) => value),
  ]);
  const flat = values.flat();
  return [Math.min(...flat), Math.max(...flat)];
}

/** A value holds until the next one. */
function valueAt(series: readonly SeriesPoint[], seconds: number): number | undefined {
  return series.findLast(([at]) => at <= seconds)?.[1];
}

/** Colour where there is a terminal that has it; styleText heeds NO_COLOR. */
function coloured(text: string): string {
  return text.replaceAll(/\*+|\.+/g, (run) => styleText(run.startsWith('*') ? 'green' : 'cyan', run));
}

function short(value: number): string {
  return String(Number(value.toPrecision(7)));
}
