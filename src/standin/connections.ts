/**
 * The connections under the requests. Over TLS a request's socket is not the one on the wire, and Node cannot reset
 * it; so the raw ones are kept, each by its peer, which no other connection has as long as it is open.
 */
import type { Server, Socket } from 'node:net';

export class Connections {
  readonly #raw = new Map<string, Socket>();

  watch(server: Server): void {
    server.on('connection', (raw: Socket) => {
      const peer = peerOf(raw);
      this.#raw.set(peer, raw);
      raw.once('close', () => {
        if (this.#raw.get(peer) === raw) this.#raw.delete(peer);
      });
    });
  }

  /** A reset, as a crashed server or a middlebox gives it. */
  reset(socket: Socket): void {
    this.#raw.get(peerOf(socket))?.resetAndDestroy();
  }

  /** Also those that have not got as far as a request, or a handshake. */
  destroyAll(): void {
    for (const raw of this.#raw.values()) raw.destroy();
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''}:${remotePort ?? 0}`;
}
