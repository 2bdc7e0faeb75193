/**
 * Two questions of whoever watches over the daemon. Is it alive: then there is no use in starting it again. Is it ready:
 * does the work that there is get done. Neither is answered by the absence of errors: what counts is that things move.
 * Whatever watches has no session, so the reasons, with paths and apps in them, are for everybody who reaches the address.
 */
import { Hono } from 'hono';
import type { SharedStatus } from './sharedStatus.ts';

export interface Health {
  /** Why a new process would be better; empty: it would not. */
  readonly lifeless: () => readonly string[];
  readonly status: SharedStatus;
}

export function healthRoutes({ lifeless, status }: Health): Hono {
  const routes = new Hono();
  routes.get('/healthz', (context) => {
    const reasons = lifeless();
    const alive = reasons.length === 0;
    return context.json({ alive, reasons }, alive ? 200 : 503);
  });
  routes.get('/readyz', async (context) => {
    const { healthy, problems } = await status.get();
    return context.json({ ready: healthy, reasons: problems }, healthy ? 200 : 503);
  });
  return routes;
}
