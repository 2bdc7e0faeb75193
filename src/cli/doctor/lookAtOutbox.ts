/** Looks at the outbox's files without SQLite, so that neither its locks nor the journal are touched. */
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerOf } from '../../outbox/lock.ts';
import { databasePath } from '../../outbox/place.ts';
import { errorCode } from '../../system/files.ts';
import type { StateFacts } from './facts.ts';

/** Of the file, which is that of its first page as well. */
const headerBytes = 100;
const schemaAt = 60;
/** https://sqlite.org/fileformat2.html#walformat */
const journalHeaderBytes = 32;
const frameHeaderBytes = 24;

export async function lookAtOutbox(stateDir: string): Promise<StateFacts['outbox']> {
  const path = databasePath(stateDir);
  try {
    return await withFile(path, async (handle) => {
      const header = Buffer.alloc(headerBytes);
      const { bytesRead } = await handle.read(header, 0, headerBytes, 0);
      if (bytesRead < headerBytes || !header.toString('latin1').startsWith('SQLite format 3\0'))
        return 'unreadable';
      const schema = (await schemaInJournal(`${path}-wal`)) ?? header.readUInt32BE(schemaAt);
      return { bytes: (await handle.stat()).size, schema };
    });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'none';
    if (errorCode(error) === undefined) throw error;
    return 'unreadable';
  }
}

/** By the newest first page that was committed there; null: the file's own counts. A migration may be in the journal only. */
async function schemaInJournal(path: string): Promise<number | null> {
  try {
    return await withFile(path, async (handle) => {
      const header = Buffer.alloc(journalHeaderBytes);
      await handle.read(header, 0, journalHeaderBytes, 0);
      const pageBytes = header.readUInt32BE(8);
      let [written, committed]: [number | null, number | null] = [null, null];
      const frame = Buffer.alloc(frameHeaderBytes + headerBytes);
      for (let at = journalHeaderBytes; ; at += frameHeaderBytes + pageBytes) {
        const { bytesRead } = await handle.read(frame, 0, frame.length, at);
        // What bears another salt was left there when the journal began anew.
        if (bytesRead < frame.length || !frame.subarray(8, 16).equals(header.subarray(16, 24)))
          return committed;
        if (frame.readUInt32BE(0) === 1) written = frame.readUInt32BE(frameHeaderBytes + schemaAt);
        const isCommit = frame.readUInt32BE(4) !== 0;
        if (isCommit) committed = written;
      }
    });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}

async function withFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/** By the kernel's table of locks: taking the lock to see whether it is free could keep a daemon from starting. */
export async function holderOf(stateDir: string): Promise<number | null> {
  const stats = await stat(join(stateDir, 'lock'), { bigint: true }).catch(() => null);
  const table = await readFile('/proc/locks', 'utf8').catch(() => '');
  return stats === null ? null : holderIn(table, stats, ownerOf(stateDir));
}

/**
 * Another file system may have a file of that number. Which one a lock is on the kernel says by a device that is not always
 * the file's own (btrfs, overlays); then it is the owner's, who says so himself.
 * @param owner as he has noted it
 */
export function holderIn(
  table: string,
  { dev, ino }: { readonly dev: bigint; readonly ino: bigint },
  owner: number | null,
): number | null {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  for (const line of table.split('\n')) {
    const found = /WRITE\s+(\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s/.exec(line);
    if (found?.[4] !== String(ino)) continue;
    const isOnIts = BigInt(`0x${found[2] ?? ''}`) === major && BigInt(`0x${found[3] ?? ''}`) === minor;
    const pid = Number(found[1]);
    if (isOnIts || pid === owner) return pid;
  }
  return null;
}
