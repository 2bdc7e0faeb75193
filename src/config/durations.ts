/**
 * Durations as people write them: `500ms`, `2s`, `10m`, `72h`, `7d`. A bare number is refused, because what one
 * person reads as seconds another reads as milliseconds.
 */
import ms from 'ms';
import { z } from 'zod';

const durationPattern = /^\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)$/;
const howTo = 'write a number with its unit, for example 2s (units: ms, s, m, h, d)';

/** Node's timers cannot wait for longer than this; set to more, they would go off at once. */
const longest = '24d';

/** A duration in whole milliseconds, not shorter than `least`, and no longer than a timer can wait unless `most` says so. */
export function duration(least: ms.StringValue, most: ms.StringValue = longest) {
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number'
          ? `${input} is not a duration: ${howTo}`
          : notGiven(input, `expected a duration: ${howTo}`),
    })
    .regex(durationPattern, { error: ({ input }) => `${JSON.stringify(input)} is not a duration: ${howTo}` })
    .transform((text, context) => {
      const durationMs = Math.round(ms(text as ms.StringValue));
      if (durationMs < ms(least)) context.addIssue(`must be at least ${least}`);
      if (durationMs > ms(most)) context.addIssue(`must be at most ${most}`);
      return durationMs;
    });
}

/** A missing value gets the text that all missing values get. */
function notGiven(input: unknown, otherwise: string): string | undefined {
  return input === undefined ? undefined : otherwise;
}
