/**
 * Sizes as people write them: `700MiB` counts in 1024s, `700MB` in 1000s. (The `bytes` package reads `700MiB` as 700
 * bytes and `1GB` as 1024 MB, so it is not used here.)
 */
import { z } from 'zod';

const bytesPerUnit: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};
const sizePattern = /^(\d{1,9}(?:\.\d{1,3})?)([KkMmGgTt]?[Ii]?[Bb])$/;
const howTo = 'write a number with its unit, for example 700MiB or 5GB';
const sizeBytesMax = 2 ** 40;

/** A size in whole bytes. */
export function size() {
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number'
          ? `${input} is not a size: ${howTo}`
          : input === undefined
            ? undefined
            : `expected a size: ${howTo}`,
    })
    .regex(sizePattern, { error: ({ input }) => `${JSON.stringify(input)} is not a size: ${howTo}` })
    .transform((text, context) => {
      const [, number = '', unit = ''] = sizePattern.exec(text) ?? [];
      const perUnit = bytesPerUnit[unit.toUpperCase()];
      if (perUnit === undefined) {
        context.addIssue(`${JSON.stringify(text)} is not a size: ${howTo}`);
        return z.NEVER;
      }
      const sizeBytes = Math.round(Number(number) * perUnit);
      if (sizeBytes < 1) context.addIssue('must be at least 1B');
      if (sizeBytes > sizeBytesMax) context.addIssue('must be at most 1TiB');
      return sizeBytes;
    });
}
