/**
 * Where faults happen: around every request, between the socket and the routes. The order is: the hook hears that the
 * request is here, a rule is taken, the request is carried out or not, the hook hears that it is done, then the answer
 * is given, withheld or replaced.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context, MiddlewareHandler } from 'hono';
import type { Misbehaviour, SeenRequest } from './faults.ts';
import type { Platform, StandInEnv } from './platform.ts';
import { shapeOf } from './requestKind.ts';
import { trickled } from './trickle.ts';

/** Aborted when the stand-in closes: nothing waits for a client, a hook or a delay any longer. */
export function misbehaving(platform: Platform, closing: AbortSignal): MiddlewareHandler<StandInEnv> {
  return async (c, next) => {
    const { incoming, outgoing } = c.env;
    const { kind, target } = shapeOf(c.req.method, c.req.path);
    const app = kind === 'put' ? (platform.records.upload(target ?? '')?.app ?? null) : target;
    const seen = { kind, method: c.req.method, path: c.req.path, app: kind === 'download' ? null : app };

    await tell(platform, { ...seen, phase: 'received' }, closing);
    if (closing.aborted) return RESPONSE_ALREADY_SENT;

    const fault = platform.faults.take(kind, seen.app);
    if (fault !== null && !isCarriedOut(fault)) {
      if (fault.kind === 'answer') return faultyAnswer(fault);
      await withhold(platform, fault, incoming, closing);
      return RESPONSE_ALREADY_SENT;
    }

    await next();
    await tell(platform, { ...seen, phase: 'done' }, closing);
    if (fault === null) return;
    switch (fault.kind) {
      case 'answer':
        replaceAnswer(c, faultyAnswer(fault));
        return;
      case 'delay':
        await sleep(fault.ms, undefined, { signal: closing }).catch(() => undefined);
        return;
      case 'trickle':
        replaceAnswer(c, trickled(c.res, fault.bytesPerSecond, closing));
        return;
      case 'drop':
        if (fault.when === 'midway') await sendHalf(outgoing, c.res);
        platform.connections.reset(incoming.socket);
        replaceAnswer(c, RESPONSE_ALREADY_SENT);
        return;
      case 'length':
        await sendOfOtherLength(outgoing, c.res, fault.offByBytes);
        replaceAnswer(c, RESPONSE_ALREADY_SENT);
        return;
      case 'hang':
        await withhold(platform, fault, incoming, closing);
        replaceAnswer(c, RESPONSE_ALREADY_SENT);
        return;
    }
  };
}

function isCarriedOut(fault: Misbehaviour): boolean {
  switch (fault.kind) {
    case 'answer':
      return fault.carriedOut ?? false;
    case 'drop':
      return fault.when !== 'before';
    case 'hang':
      return fault.carriedOut;
    case 'delay':
    case 'trickle':
    case 'length':
      return true;
  }
}

async function tell(platform: Platform, seen: SeenRequest, closing: AbortSignal): Promise<void> {
  const heard = platform.faults.onRequest?.(seen);
  if (heard === undefined || closing.aborted) return;
  // Closing wins over a hook that never ends.
  const settled = new AbortController();
  const closed = once(closing, 'abort', { signal: settled.signal }).catch(() => undefined);
  await Promise.race([heard, closed]).finally(() => settled.abort());
}

/** A reset, or silence. */
async function withhold(
  { connections }: Platform,
  fault: Misbehaviour,
  { socket }: IncomingMessage,
  closing: AbortSignal,
): Promise<void> {
  if (fault.kind === 'drop') {
    connections.reset(socket);
    return;
  }
  if (!socket.destroyed) await once(socket, 'close', { signal: closing }).catch(() => undefined);
}

function faultyAnswer(fault: Extract<Misbehaviour, { kind: 'answer' }>): Response {
  const body =
    fault.body ?? JSON.stringify({ error: 'fault', message: `a fault asked for: ${fault.status}` });
  const headers = new Headers({
    'content-type': fault.body === undefined ? 'application/json' : 'text/plain',
  });
  if (fault.retryAfter !== undefined) headers.set('retry-after', fault.retryAfter);
  if (fault.location !== undefined) headers.set('location', fault.location);
  return new Response(body, { status: fault.status, headers });
}

function replaceAnswer(c: Context, answer: Response): void {
  // Assigning an answer over another one merges their headers; over none it does not.
  c.res = undefined;
  c.res = answer;
}

/** An answer that says no length is held up to here, to find out; one that is longer is cut here. */
const heldBytesMax = 1024 * 1024;

/** The head, which promises the whole, and the first half of the body. */
async function sendHalf(outgoing: ServerResponse, answer: Response): Promise<void> {
  const length = lengthOf(answer);
  const start: Uint8Array[] = [];
  if (length !== null) writeHead(outgoing, answer, length);
  const half = length === null ? heldBytesMax : Math.floor(length / 2);
  let bytes = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    const piece = chunk.subarray(0, half - bytes);
    bytes += piece.length;
    if (length === null) start.push(piece);
    else await write(outgoing, piece);
    if (outgoing.destroyed) return;
    if (bytes < half) continue;
    if (length === null) {
      writeHead(outgoing, answer, null);
      await write(outgoing, Buffer.concat(start));
    }
    return;
  }
  if (length !== null) return;
  writeHead(outgoing, answer, bytes);
  await write(outgoing, Buffer.concat(start).subarray(0, Math.floor(bytes / 2)));
}

/** The body, under a head that promises another length. */
async function sendOfOtherLength(
  outgoing: ServerResponse,
  answer: Response,
  offByBytes: number,
): Promise<void> {
  const length = lengthOf(answer);
  const held: Uint8Array[] = [];
  if (length !== null) writeHead(outgoing, answer, Math.max(0, length + offByBytes));
  let bytes = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    const piece = length === null ? chunk.subarray(0, heldBytesMax - bytes) : chunk;
    bytes += piece.length;
    if (length === null) held.push(piece);
    else await write(outgoing, piece);
    if (outgoing.destroyed || (length === null && bytes >= heldBytesMax)) break;
  }
  if (length === null) writeHead(outgoing, answer, Math.max(0, bytes + offByBytes));
  outgoing.end(Buffer.concat(held));
  // Otherwise the client waits for the rest as long as it has patience: silence is a fault of its own.
  if (offByBytes > 0) outgoing.socket?.end();
}

/** @returns null where it is not said */
function lengthOf(answer: Response): number | null {
  const said = Number(answer.headers.get('content-length') ?? Number.NaN);
  return Number.isFinite(said) ? said : null;
}

async function write(outgoing: ServerResponse, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => outgoing.write(bytes, () => resolve()));
}

/** @param bytes of the whole; null where nobody knows yet */
function writeHead(outgoing: ServerResponse, answer: Response, bytes: number | null): void {
  outgoing.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/json',
    ...(bytes === null ? {} : { 'content-length': bytes }),
  });
}
