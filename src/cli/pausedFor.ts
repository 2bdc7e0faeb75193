/** Why runs of an app are not delivered for the time being: the whole platform's pause, or that of the app. */
import type { StatusView } from '../http/operations.ts';

/** @returns null: nothing keeps them from it */
export function pausedFor({ platform }: Pick<StatusView, 'platform'>, app: string | null): string | null {
  if (platform.state === 'paused') return platform.reason ?? 'the platform is paused';
  return platform.apps.find((paused) => paused.app === app)?.reason ?? null;
}
