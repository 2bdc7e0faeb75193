/** The part that is used of a package without types of its own. */
declare module 'unix-dgram' {
  import type { EventEmitter } from 'node:events';

  interface Socket extends EventEmitter {
    send(
      buffer: Buffer,
      offset: number,
      length: number,
      path: string,
      callback: (error?: Error | null) => void,
    ): void;
    bind(path: string): void;
    close(): void;
  }
  export function createSocket(type: 'unix_dgram', onMessage?: (message: Buffer) => void): Socket;
}
