/** Where the pages are. */
import type { RunStatus } from '../status.ts';

export function appPath(app: string): string {
  return `/apps/${encodeURIComponent(app)}`;
}

export function runPath(app: string, run: string): string {
  return `${appPath(app)}/runs/${encodeURIComponent(run)}`;
}

export interface Turn {
  readonly status: RunStatus | null;
  /** Only runs older than the one at this place. */
  readonly before: number | null;
}

export function turnPath(app: string, { status, before }: Turn): string {
  const query = new URLSearchParams();
  if (status !== null) query.set('status', status);
  if (before !== null) query.set('before', String(before));
  return query.size === 0 ? appPath(app) : `${appPath(app)}?${query.toString()}`;
}
