/**
 * A disk that fails on request, for the daemon alone: a small library, compiled here, that is loaded into it before the
 * C library. Everything else of the machine, the stand-in included, has a disk that is well.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { said } from './mounts.ts';

const source = fileURLToPath(new URL('failingDisk.c', import.meta.url));

export interface DiskFault {
  readonly call: 'read' | 'write' | 'sync';
  /** Files whose path contains this. */
  readonly file: string;
  /** Only what is read or written from this byte on. */
  readonly fromByte?: number;
  /** So often in one process, and then no more; 0: always. */
  readonly times?: number;
}

export class FailingDisk {
  readonly #library: string;
  readonly #orders: string;

  /** @param dir for the library and the orders to it */
  constructor(dir: string) {
    this.#library = join(dir, 'failing-disk.so');
    this.#orders = join(dir, 'failing-disk.orders');
    const { status, stderr, error } = spawnSync(
      'cc',
      ['-O1', '-shared', '-fPIC', '-o', this.#library, source, '-ldl'],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`cc: ${error?.message ?? stderr}`);
  }

  /** What a process has to be started with to have this disk. */
  get environment(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, FAILING_DISK: this.#orders };
  }

  /** From now on these calls, and no others, fail with EIO. */
  fail(...faults: readonly DiskFault[]): void {
    const lines = faults.map(
      ({ call, file, fromByte = 0, times = 0 }) =>
        `${call} ${constants.errno.EIO} ${fromByte} ${times} ${file}\n`,
    );
    // Renamed into place: half an order would be another one.
    writeFileSync(`${this.#orders}.new`, lines.join(''));
    renameSync(`${this.#orders}.new`, this.#orders);
  }

  heal(): void {
    rmSync(this.#orders, { force: true });
  }

  /** The calls that were failed, `read /path` each: a test in which none was has tried nothing. */
  failed(): readonly string[] {
    try {
      return readFileSync(`${this.#orders}.log`, 'utf8').trimEnd().split('\n');
    } catch {
      return [];
    }
  }
}

/** Why no disk can be made to fail here; null: it can. */
function failingFails(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'rt-disk-'));
  try {
    const disk = new FailingDisk(dir);
    const file = join(dir, 'file');
    writeFileSync(file, 'something to read');
    disk.fail({ call: 'read', file });
    const script = `require('node:fs').readFileSync(${JSON.stringify(file)})`;
    const { stderr } = spawnSync(process.execPath, ['-e', script], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', ...disk.environment },
    });
    return stderr.includes('EIO') ? null : `LD_PRELOAD has no effect on ${process.execPath}: ${stderr}`;
  } catch (error) {
    return String(error);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export const isUnfailing = said('a disk that fails', failingFails());
