/** `/metrics`, for Prometheus. Numbers only; labels name drop roots and apps, and nothing that is in a run. */
import { Hono } from 'hono';
import type { Metrics } from './metrics.ts';
import type { SharedStatus } from './sharedStatus.ts';

export function metricsRoutes(metrics: Metrics, status: SharedStatus): Hono {
  const routes = new Hono();
  routes.get('/metrics', async (context) => {
    const text = await metrics.text(await status.get());
    return context.text(text, 200, { 'content-type': metrics.contentType });
  });
  return routes;
}
