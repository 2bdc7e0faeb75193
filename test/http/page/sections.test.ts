/** What the overview says. */
import { expect, test } from 'vitest';
import { overviewOf } from '../../../src/http/page/sections.ts';
import { statusWith } from '../samples.ts';

const nowMs = Date.parse('2026-01-02T00:00:00.000Z');

test('the oldest on its way began when its folder was complete, not when it came to where it is', async () => {
  const status = statusWith(1, { waiting_since: '2026-01-01T22:00:00.000Z' });
  const seen = { status, underWay: [], settling: [], newest: [], days: [], recent: [], nowMs };
  expect(String(await overviewOf(seen).health)).toMatch(/The oldest on its way began 2 h\S* ago/);
  expect(String(await overviewOf({ ...seen, status: statusWith(1) }).health)).toContain('Nothing waits.');
});
