/** Where the daemon listens, as it is written: 127.0.0.1:8420, [::1]:8420, unix:/run/page.sock, or false. */
import { z } from 'zod';
import type { ListenAddress } from '../core/listenAddress.ts';

const unixPrefix = 'unix:';
const expected =
  'expected an address and a port, or a Unix socket, for example 127.0.0.1:8420, unix:/run/runtrackd/page.sock, or false';
/** What stands in a `Host` header, without a port. */
const hostForm = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

/** The path of a Unix socket is still as it was written. */
export const listenAddress = z.union(
  [
    z.literal(false).transform(() => null),
    z.string().transform((text, context): ListenAddress => {
      const address = text.startsWith(unixPrefix) ? unixAddress(text) : portAddress(text);
      if (address !== null) return address;
      context.addIssue(expected);
      return z.NEVER;
    }),
  ],
  { error: expected },
);

export const requestName = z
  .string()
  .regex(hostForm, 'must be a name without a port, for example planner-03.example.com');

function unixAddress(text: string): ListenAddress | null {
  const path = text.slice(unixPrefix.length);
  return path === '' || path.includes('\0') ? null : { kind: 'unix', path };
}

function portAddress(text: string): ListenAddress | null {
  const found = /^(?:\[(?<six>[0-9a-f:.]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/i.exec(text)?.groups;
  const host = found?.['six'] ?? found?.['host'];
  const port = Number(found?.['port']);
  if (host === undefined || port > 65_535) return null;
  return found?.['six'] !== undefined || hostForm.test(host) ? { kind: 'port', host, port } : null;
}
