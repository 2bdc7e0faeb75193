/**
 * The addresses of the platform and its console. A key travels to the endpoint with every request, so it must not go
 * over plain http, except to this very machine.
 */
import { isLoopback } from '../core/loopback.ts';
import { z } from 'zod';

/** The endpoint: https, or http on loopback. Gives origin and path prefix, without a slash at the end. */
export const endpointUrl = z.string().transform((text, context) => {
  const url = plainUrl(text, context);
  if (url === undefined) return z.NEVER;
  if (url.protocol !== 'https:' && !isLoopback(url.hostname))
    context.addIssue('must be https (plain http is for loopback only: 127.0.0.1, [::1], localhost)');
  return withoutLastSlash(url);
});

/** The console is only ever shown as a link. */
export const consoleUrl = z.string().transform((text, context) => {
  const url = plainUrl(text, context);
  return url === undefined ? z.NEVER : withoutLastSlash(url);
});

/**
 * A proxy, for https and http alike. A user and a password may stand in it, so the address is shown nowhere.
 */
export const proxyUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    context.addIssue('is not the address of a proxy: expected one like http://proxy.example.com:3128');
    return z.NEVER;
  }
  if (url.pathname !== '/' || /[?#]/.test(text))
    context.addIssue('must be host and port only, without a path');
  return url.href;
});

function plainUrl(text: string, context: z.RefinementCtx): URL | undefined {
  // None of these repeats the text: somebody may have put a password or a key into it.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    context.addIssue('is not an address: expected one like https://api.cloud.nextmv.io');
    return undefined;
  }
  if (url.username !== '' || url.password !== '') context.addIssue('must not have a user or password in it');
  if (/[?#]/.test(text)) context.addIssue('must not have a query (?…) or fragment (#…)');
  return url;
}

function withoutLastSlash(url: URL): string {
  return (url.origin + url.pathname).replace(/\/+$/, '');
}
