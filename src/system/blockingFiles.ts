/**
 * Files by calls that hold up whoever makes them: for a thread that has nothing else to do, where they cost a fifth of
 * the others. Only what waits for the disk by its nature, a sync, leaves the thread to its other work meanwhile.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs';
import { promisify } from 'node:util';
import type { FileCalls, HeldFile } from './files.ts';

const syncToDisk = promisify(fsync);

class BlockingFile implements HeldFile {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  stat(): Promise<BigIntStats> {
    return settled(() => fstatSync(this.fd, { bigint: true }));
  }

  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> {
    return settled(() => ({ bytesRead: readSync(this.fd, buffer, offset, length, position) }));
  }

  writeFile(content: string | Uint8Array): Promise<void> {
    return settled(() => writeFileSync(this.fd, content));
  }

  chown(uid: number, gid: number): Promise<void> {
    return settled(() => fchownSync(this.fd, uid, gid));
  }

  chmod(mode: number): Promise<void> {
    return settled(() => fchmodSync(this.fd, mode));
  }

  async sync(): Promise<void> {
    await syncToDisk(this.fd);
  }

  close(): Promise<void> {
    return settled(() => closeSync(this.fd));
  }
}

export const blocking: FileCalls = {
  open: (path, flags, mode) => settled(() => new BlockingFile(openSync(path, flags, mode))),
  rename: (from, to) => settled(() => renameSync(from, to)),
  unlink: (path) => settled(() => unlinkSync(path)),
};

function settled<T>(call: () => T): Promise<T> {
  return new Promise((resolve) => resolve(call()));
}
