/** A value over time in a bounded number of points. */
import type { SeriesPoint } from '../core/solverFacts.ts';

/** Points that are kept of one series: more than a screen has columns, and 16 KB. */
export const seriesPointsMax = 1_000;

/**
 * Keeps the first point and the last one, and every change in between as long as there is room. When there is none,
 * every other point goes and from then on only every second (fourth, …) change is kept, so that a long run stays whole.
 */
export class Series {
  #points: [number, number][] = [];
  #changes = 0;
  #stride = 1;
  #value = NaN;
  #lastSeconds = NaN;

  /** @param seconds since the solve began; one that goes backward is a clock of something else and is left out */
  add(seconds: number, value: number): void {
    if (value === this.#value || Number.isNaN(seconds) || seconds < this.#lastSeconds) return;
    this.#value = value;
    this.#lastSeconds = seconds;
    // The newest change is always there; it stays only if it is one that is kept.
    if (this.#changes > 0 && (this.#changes - 1) % this.#stride !== 0) this.#points.pop();
    this.#points.push([seconds, value]);
    this.#changes += 1;
    if (this.#points.length <= seriesPointsMax) return;
    const last = this.#points.pop();
    this.#points = this.#points.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
    if (last !== undefined) this.#points.push(last);
  }

  get points(): readonly SeriesPoint[] {
    return this.#points;
  }
}
