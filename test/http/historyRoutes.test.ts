/** What happened day by day, also while nobody can tell. */
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { historyRoutes } from '../../src/http/historyRoutes.ts';
import { Unanswerable } from '../../src/http/operations.ts';

test('while the outbox is in trouble it is said what is the matter, and that is no bug', async () => {
  const bugs: unknown[] = [];
  const refusing = historyRoutes(() =>
    Promise.reject(new Unanswerable('refused', 'the disk is full. Make room.')),
  );
  const app = new Hono().route('/', refusing);
  app.onError((error, context) => {
    bugs.push(error);
    return context.text('', 500);
  });
  const answer = await app.request('/api/history');
  expect([answer.status, await answer.json()]).toEqual([409, { message: 'the disk is full. Make room.' }]);
  expect(bugs).toEqual([]);
});
