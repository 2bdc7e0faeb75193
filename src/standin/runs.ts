/** Runs but for reading one back: making, listing, renaming, cancelling, deleting. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { existingApp } from './applications.ts';
import { jsonBody } from './body.ts';
import { makeRun, within, wordLimits } from './newRun.ts';
import type { Platform, StandInEnv } from './platform.ts';
import type { RecordedRun } from './records.ts';
import { Refusal } from './refusal.ts';
import { listItemOf, metadataOf, statusOf } from './runDocument.ts';
import type { Settings } from './settings.ts';
import type { RunStatus } from './status.ts';

export function serveRuns(routes: Hono<StandInEnv>, platform: Platform): void {
  routes
    .post('/:app/runs', async (c) => {
      const app = existingApp(platform, c.req.param('app'));
      const instance = c.req.query('instance_id') ?? platform.defaultInstance;
      return c.json({ run_id: await makeRun(platform, app, instance, jsonBody(c.get('body'))) });
    })
    .get('/:app/runs', (c) =>
      c.json(pageOf(platform, existingApp(platform, c.req.param('app')), c.req.query('pagetoken'))),
    )
    .put('/:app/runs/:run', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      const words = newWords.safeParse(jsonBody(c.get('body')));
      if (!words.success) throw new Refusal(400, 'name and description must be text');
      const name = within(platform, 'name', words.data.name ?? run.name, wordLimits.name);
      const description = within(
        platform,
        'description',
        words.data.description ?? run.description,
        wordLimits.description,
      );
      platform.records.rename(run, name, description);
      return c.json(metadataOf({ ...run, name, description }, currentStatus(platform, run)));
    })
    .patch('/:app/runs/:run/cancel', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      const status = currentStatus(platform, run);
      if (status !== 'queued' && status !== 'running') {
        if (platform.faults.cancelFinal === 'ignore') return c.json({});
        throw new Refusal(409, `the run is ${status}: only one that is not final can be cancelled`);
      }
      platform.records.cancel(run, platform.now());
      return c.json({});
    })
    .delete('/:app/runs/:run', (c) => {
      platform.records.deleteRun(existingRun(platform, c.req.param('app'), c.req.param('run')));
      return c.json({});
    });
}

export function existingRun(platform: Platform, app: string, id: string): RecordedRun {
  const run = platform.records.run(existingApp(platform, app), id);
  if (run === undefined) throw new Refusal(404, `run ${id} does not exist in app ${app}`);
  return run;
}

export function currentStatus(platform: Platform, run: RecordedRun): RunStatus {
  return statusOf(run, platform.now(), platform.faults.finalAfterMs);
}

const newWords = z.looseObject({ name: z.string().optional(), description: z.string().optional() });

/** One page (platform contract: list). No token in it: it is the last one. */
function pageOf(platform: Platform, app: string, token: string | undefined) {
  const { faults, records } = platform;
  const { order, after } =
    token === undefined || token === '' ? { order: faults.listOrder, after: null } : placeIn(token);
  const found = records.list({
    app,
    order,
    after,
    nowMs: platform.now(),
    lagMs: faults.listLagMs,
    limit: faults.pageSize + 1,
  });
  const runs = found.slice(0, faults.pageSize);
  const last = runs.at(-1);
  return {
    runs: runs.map((run) => listItemOf(run, currentStatus(platform, run))),
    ...(found.length > runs.length && last !== undefined
      ? { next_page_token: tokenFor(order, last.place) }
      : {}),
  };
}

/**
 * A token says after which run of which order to go on, not how many to pass over: runs that are added or deleted
 * while someone turns the pages neither repeat others nor hide them.
 */
function tokenFor(order: Settings['listOrder'], place: number): string {
  return Buffer.from(`${order}:${place}`).toString('base64url');
}

function placeIn(token: string): { order: Settings['listOrder']; after: number } {
  const found = /^(newest-first|oldest-first|shuffled):(\d+)$/.exec(
    Buffer.from(token, 'base64url').toString(),
  );
  if (found === null)
    throw new Refusal(400, 'pagetoken is not one that was given out here: start from the first page');
  return { order: found[1] as Settings['listOrder'], after: Number(found[2]) };
}
