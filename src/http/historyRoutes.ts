/** `GET /api/history`: what happened day by day, as numbers. `days` and `root` say of which days and of which drop root. */
import { Hono } from 'hono';
import { historyQuery, Unanswerable, type DayView, type HistoryQuery } from './operations.ts';

export function historyRoutes(history: (query: HistoryQuery) => Promise<readonly DayView[]>): Hono {
  const routes = new Hono();
  routes.get('/api/history', async (context) => {
    const query = historyQuery.safeParse(context.req.query());
    if (!query.success) {
      const [issue] = query.error.issues;
      return context.json({ message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` }, 400);
    }
    try {
      return context.json({ history: await history(query.data) });
    } catch (error) {
      // The outbox is in trouble, which is no bug and is said.
      if (!(error instanceof Unanswerable)) throw error;
      return context.json({ message: error.message }, 409);
    }
  });
  return routes;
}
