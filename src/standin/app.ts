/** The routes of the stand-in, put together: what is checked on every request, and what an error becomes. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import { adminRoutes } from './admin.ts';
import { serveApplications } from './applications.ts';
import { readBody } from './body.ts';
import { localOnly } from './guard.ts';
import { misbehaving } from './misbehave.ts';
import { servePage } from './page/page.ts';
import type { Platform, StandInEnv } from './platform.ts';
import { serveReadingBack } from './readingBack.ts';
import { Refusal } from './refusal.ts';
import { serveRuns } from './runs.ts';
import { serveStorage, serveUploadUrls } from './uploads.ts';

/** An inline input has at most 5 MB; the rest is names, options and ids. */
const apiBodyBytesMax = 5_000_000 + 512 * 1024;

export function createApp(platform: Platform, closing: AbortSignal): Hono<StandInEnv> {
  const app = new Hono<StandInEnv>();
  app.use(localOnly(platform.scheme));
  if (platform.apiKey !== null) app.use('/stand-in/*', bearerOnly(platform.apiKey));
  app.route('/stand-in', adminRoutes(platform));
  servePage(app, platform);

  app.use('/v1/*', readBody(apiBodyBytesMax));
  for (const path of ['/v1/*', '/storage/*']) app.use(path, misbehaving(platform, closing));
  app.use('/v1/*', bearerOnly(platform.apiKey));
  const applications = new Hono<StandInEnv>();
  for (const serve of [serveUploadUrls, serveRuns, serveReadingBack, serveApplications])
    serve(applications, platform);
  app.route('/v1/applications', applications);
  const storage = new Hono<StandInEnv>();
  serveStorage(storage, platform);
  app.route('/storage', storage);

  app.notFound((c) => {
    const { status, body } = new Refusal(404, `there is no ${c.req.method} ${c.req.path}`);
    return c.json(body, status);
  });
  app.onError((error, c) => {
    if (error instanceof Refusal) return c.json(error.body, error.status);
    return c.json({ error: 'internal error', message: `the stand-in failed: ${error.message}` }, 500);
  });
  return app;
}

/** API requests need the key (platform contract: connection). */
function bearerOnly(apiKey: string | null): MiddlewareHandler {
  return async (c, next) => {
    const given = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (given === undefined) throw new Refusal(401, 'send the API key as "Authorization: Bearer …"');
    if (apiKey !== null && !isSame(given, apiKey)) throw new Refusal(401, 'the API key is not the right one');
    await next();
  };
}

function isSame(given: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(right));
}
