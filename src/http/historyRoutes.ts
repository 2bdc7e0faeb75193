/** `GET /api/history`: what happened day by day, as numbers. `days` and `root` say of which days and of which drop root. */
import { Hono } from 'hono';
import { historyQuery, type DayView, type HistoryQuery } from './operations.ts';

export function historyRoutes(history: (query: HistoryQuery) => Promise<readonly DayView[]>): Hono {
  const routes = new Hono();
  routes.get('/api/history', async (context) => {
    const query = historyQuery.safeParse(context.req.query());
    if (query.success) return context.json({ history: await history(query.data) });
    const [issue] = query.error.issues;
    return context.json({ message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` }, 400);
  });
  return routes;
}
