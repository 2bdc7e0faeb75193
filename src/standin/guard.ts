/**
 * Who may ask at all. The stand-in listens on loopback, but so does every page that a browser on this machine has
 * open: a name that someone else's DNS points here must not reach it, nor may a page of another origin.
 */
import type { MiddlewareHandler } from 'hono';
import { isLoopback } from '../core/loopback.ts';
import type { StandInEnv } from './platform.ts';
import { Refusal } from './refusal.ts';

export function localOnly(scheme: 'http' | 'https'): MiddlewareHandler<StandInEnv> {
  return async (c, next) => {
    const host = c.req.header('host')?.toLowerCase() ?? '';
    const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host)?.[1] ?? '';
    if (!isLoopback(name)) {
      throw new Refusal(421, 'this server is for its own machine: ask for 127.0.0.1 or localhost');
    }
    const origin = c.req.header('origin');
    if (origin !== undefined && origin.toLowerCase() !== `${scheme}://${host}`) {
      throw new Refusal(403, 'a page of another origin may not ask');
    }
    await next();
  };
}
