/**
 * Crash drills: `RUNTRACKD_CRASH_AT=intended` kills this process with SIGKILL when a run passes that point of its life
 * (`intended:3`: the third time), so that what happens then can be tried and not only reasoned about. For rehearsals
 * and for the project's own tests; without the variable it does nothing.
 */
import { lifecyclePoints, type PassPoint } from '../core/points.ts';

export const crashDrillVariable = 'RUNTRACKD_CRASH_AT';

/** @throws a sentence for the person who set the variable, when it names no point */
export function crashDrill(setting: string | undefined): PassPoint {
  if (setting === undefined || setting === '') return () => undefined;
  const [point, times = '1'] = setting.split(':');
  let left = Number(times);
  if (!lifecyclePoints.some((known) => known === point) || !Number.isSafeInteger(left) || left < 1) {
    throw new Error(
      `${crashDrillVariable} must be one of ${lifecyclePoints.join(', ')}, with ":N" for the Nth time`,
    );
  }
  return (passed) => {
    if (passed !== point) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
