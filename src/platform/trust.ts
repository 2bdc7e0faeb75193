/**
 * Which addresses the platform may send us to. A signed URL is an order to carry bytes somewhere; it is followed over
 * https only, and to this machine only when the platform itself is on it (the stand-in).
 */
import { isLoopback } from '../core/loopback.ts';

/** @returns why the URL must not be followed, or null when it may be */
export function distrust(url: string, endpoint: URL): string | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'it is no URL';
  }
  if (parsed.username !== '' || parsed.password !== '') return 'it carries a user name';
  const isLocal = isLoopback(parsed.hostname);
  if (isLocal && !isLoopback(endpoint.hostname)) return 'it points to this machine';
  if (parsed.protocol === 'https:' || (parsed.protocol === 'http:' && isLocal)) return null;
  return 'it is not https';
}
