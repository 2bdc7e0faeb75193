/**
 * The object storage of the stand-in: one file per PUT in `uploads/`. Bytes go from the socket to the disk and back in
 * chunks, whatever the size. A file appears whole or not at all: it is written under a temporary name and renamed.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { opendir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeDirectories } from '../system/directories.ts';
import type { StoredFile } from './artefacts.ts';
import { partEnding, uploadForm, uploadsName } from './dataNames.ts';
import { newFileName } from './ids.ts';

/** Entries that are fetched from the system at once. */
const bufferSize = 256;

export class Storage {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, uploadsName);
    makeDirectories(this.#folder, 0o700);
  }

  /**
   * Removes what a process that was killed has left: files that were not whole yet, and those that nobody wrote down, or
   * that were struck off already. To be called by whoever alone works on the folder, and before anything is received.
   */
  async removeAbandoned(isKnown: (name: string) => boolean): Promise<void> {
    for await (const entry of await opendir(this.#folder, { bufferSize })) {
      const [, name, part] = uploadForm.exec(entry.name) ?? [];
      if (name === undefined || !entry.isFile()) continue;
      if (part !== undefined || !isKnown(name)) await this.remove(entry.name);
    }
  }

  /** Keeps what comes in. When the sender leaves before the end nothing is kept. */
  async receive(incoming: Readable): Promise<StoredFile> {
    const name = newFileName();
    const path = this.#path(name + partEnding);
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    try {
      await pipeline(incoming, file);
      await rename(path, this.#path(name));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { name, bytes: file.bytesWritten };
  }

  async store(bytes: Buffer): Promise<StoredFile> {
    const name = newFileName();
    await writeFile(this.#path(name), bytes, { flag: 'wx', mode: 0o600 });
    return { name, bytes: bytes.length };
  }

  /** The whole file in memory: for documents that a limit keeps small. */
  async read(file: StoredFile): Promise<Buffer> {
    return readFile(this.#path(file.name));
  }

  /** Opened only when it is read, so that an answer that is never sent leaves no file open. */
  async *chunks(name: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(this.#path(name))) yield chunk as Buffer;
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
