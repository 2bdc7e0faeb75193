/** Where the daemon listens for those who look at it: a port of this machine, or a Unix socket. */

export type ListenAddress =
  | {
      readonly kind: 'port';
      /** A name or an address, IPv6 without brackets. */
      readonly host: string;
      /** 0: any that is free. */
      readonly port: number;
    }
  | { readonly kind: 'unix'; readonly path: string };

/** As it is shown, and as a client is told to connect. */
export function listenText(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}`;
}
