/** Apps: they exist when they are among those given, or, with none given, when their id has the right form. */
import type { Hono } from 'hono';
import { appIdPattern } from '../platform/wire.ts';
import type { Platform, StandInEnv } from './platform.ts';
import { Refusal } from './refusal.ts';

/** The id itself, or a refusal. */
export function existingApp(platform: Platform, id: string): string {
  if (!appIdPattern.test(id)) {
    throw new Refusal(
      404,
      'an app id has 3 to 30 lowercase letters, digits, dots and dashes, with no dot or dash at an end',
    );
  }
  if (platform.apps !== null && !platform.apps.has(id)) {
    throw new Refusal(404, `app ${id} does not exist; there are: ${[...platform.apps].join(', ')}`);
  }
  return id;
}

/** `GET /v1/applications/{app}` (platform contract: result, last rows). */
export function serveApplications(routes: Hono<StandInEnv>, platform: Platform): void {
  routes.get('/:app', (c) => {
    const id = existingApp(platform, c.req.param('app'));
    return c.json({
      id,
      name: id,
      description: '',
      type: 'custom',
      default_instance: platform.defaultInstance,
    });
  });
}
