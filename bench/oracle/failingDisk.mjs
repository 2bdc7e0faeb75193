/**
 * A disk that fails on request, for one program alone: a small library, compiled here, that is loaded into it before the
 * C library. Everything else of the machine, the stand-in included, has a disk that is well.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('failingDisk.c', import.meta.url));

export class FailingDisk {
  #library;
  #orders;

  /** @param dir for the library and the orders to it */
  constructor(dir) {
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
  get environment() {
    return { LD_PRELOAD: this.#library, FAILING_DISK: this.#orders };
  }

  /**
   * From now on these calls, and no others, fail.
   * @param faults `{call, file, fromByte, times, code}`: `read`, `write` or `sync`; of files whose path contains this; only
   *   what is read or written from this byte on; so often in one process until it is healed, 0: always; the system's error
   */
  fail(...faults) {
    const lines = faults.map(
      ({ call, file, fromByte = 0, times = 0, code = 'EIO' }) =>
        `${call} ${constants.errno[code]} ${fromByte} ${times} ${file}\n`,
    );
    // Renamed into place: half an order would be another one.
    writeFileSync(`${this.#orders}.new`, lines.join(''));
    renameSync(`${this.#orders}.new`, this.#orders);
  }

  heal() {
    rmSync(this.#orders, { force: true });
  }

  /** The calls that were failed, `read /path` each: a test in which none was has tried nothing. */
  failed() {
    try {
      return readFileSync(`${this.#orders}.log`, 'utf8').trimEnd().split('\n');
    } catch {
      return [];
    }
  }
}

/** @returns why no disk can be made to fail here; null: it can */
export function whyUnfailing() {
  const dir = mkdtempSync(join(tmpdir(), 'rt-disk-'));
  try {
    const disk = new FailingDisk(dir);
    const file = join(dir, 'file');
    writeFileSync(file, 'something to read');
    disk.fail({ call: 'read', file });
    const script = `require('node:fs').readFileSync(${JSON.stringify(file)})`;
    const { stderr } = spawnSync(process.execPath, ['-e', script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', ...disk.environment },
    });
    return stderr.includes('EIO') ? null : `LD_PRELOAD has no effect on ${process.execPath}: ${stderr}`;
  } catch (error) {
    return String(error);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
