/**
 * The bodies of API requests, read whole before anything else happens: from the socket, up to a limit. Uploads do not
 * come this way.
 */
import type { MiddlewareHandler } from 'hono';
import type { StandInEnv } from './platform.ts';
import { Refusal } from './refusal.ts';

export function readBody(bytesMax: number): MiddlewareHandler<StandInEnv> {
  return async (c, next) => {
    if (Number(c.req.header('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax);
    const chunks: Buffer[] = [];
    let bytes = 0;
    // What is not read of a body that is too large is left to the server, so that the refusal still gets through.
    for await (const chunk of c.env.incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
    }
    c.set('body', Buffer.concat(chunks));
    await next();
  };
}

export function jsonBody(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal(413, `a request has at most ${bytesMax} bytes here: a large input is to be uploaded`);
}
