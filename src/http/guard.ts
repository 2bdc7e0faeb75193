/**
 * What a request has to be before anybody looks at what it asks for. A browser on this machine is led by whatever page it
 * shows: a foreign name that resolves to this machine (DNS rebinding) is told by `Host`, a foreign page that sends a form
 * is told by `Origin`.
 */
import { isIP } from 'node:net';
import type { Context, Next } from 'hono';
import type { ListenAddress } from '../core/listenAddress.ts';
import { isLoopback } from '../core/loopback.ts';

/** Longer than any address that the daemon hands out, links to a run by its folder's path included. */
const urlBytesMax = 8 * 1024;
/** A form with a button's answer, or a password; nothing is uploaded here. */
const bodyBytesMax = 64 * 1024;

export interface Names {
  readonly listen: ListenAddress;
  /** Further names under which the daemon is reached, through a proxy or from other machines. */
  readonly names: readonly string[];
}

interface Refusal {
  readonly status: 400 | 403 | 411 | 413 | 414;
  readonly message: string;
}

/** Refuses what is not for us, and gives every answer the headers that keep a browser from being misled. */
export function guard(names: Names) {
  return async (context: Context, next: Next): Promise<Response | undefined> => {
    const refused = refusal(context.req.raw, names);
    if (refused === null) await next();
    else context.res = context.json({ message: refused.message }, refused.status);
    const { headers } = context.res;
    for (const [name, value] of Object.entries(securityHeaders)) {
      // A page knows better what it needs than this list does.
      if (!headers.has(name)) context.header(name, value);
    }
    return undefined;
  };
}

/** For numbers and problems as JSON nothing may be loaded at all. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Exported for the tests: why the request is not answered; null: it is. */
export function refusal({ method, url, headers }: Request, names: Names): Refusal | null {
  if (Buffer.byteLength(url) > urlBytesMax) return { status: 414, message: 'the address is too long' };
  const host = headers.get('host') ?? '';
  const hostname = hostnameOf(host);
  if (hostname === null) return { status: 400, message: 'the Host header is not understood' };
  if (!isOurs(hostname, names)) {
    return {
      status: 403,
      message: `this daemon is not reached as "${hostname}": add the name to http.names in the configuration if it is to be`,
    };
  }
  if (method === 'GET' || method === 'HEAD') return null;
  if (isForeign(headers, host)) {
    return { status: 403, message: 'the request comes from a page of somebody else' };
  }
  return bodyRefusal(headers);
}

function hostnameOf(host: string): string | null {
  if (host === '' || !/^[a-z0-9.:[\]-]+$/i.test(host) || !URL.canParse(`http://${host}/`)) return null;
  return new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

/** The port does not tell: a tunnel has another one here than there. */
function isOurs(hostname: string, { listen, names }: Names): boolean {
  if (isLoopback(hostname) || names.some((name) => name.toLowerCase() === hostname)) return true;
  if (listen.kind === 'unix') return false;
  // Where it listens on all addresses, any of them will do: what leads a browser astray is a name, never an address.
  const isEverywhere = listen.host === '0.0.0.0' || listen.host === '::';
  return listen.host.toLowerCase() === hostname || (isEverywhere && isIP(hostname) !== 0);
}

/** Programs send neither header; browsers send both with whatever changes something. */
function isForeign(headers: Headers, host: string): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') return true;
  const origin = headers.get('origin');
  if (origin === null) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase();
}

function bodyRefusal(headers: Headers): Refusal | null {
  const length = headers.get('content-length');
  // Without a length a body could go on for as long as the connection lives.
  if (headers.has('transfer-encoding')) return { status: 411, message: 'the request needs a Content-Length' };
  if (length === null || Number(length) <= bodyBytesMax) return null;
  return { status: 413, message: `the request is longer than ${bodyBytesMax} bytes` };
}
