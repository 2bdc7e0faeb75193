/** Small file systems of their own, for disks that are full, read-only or stuck. Root can make them; others are told so. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export { fill } from '../../bench/oracle/fullDisk.mjs';

function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

/** Why no file system can be mounted here; null: it can. */
function mountingFails(mount: (at: string) => void): string | null {
  const at = mkdtempSync(join(tmpdir(), 'rt-mount-'));
  try {
    mount(at);
    run('umount', at);
    return null;
  } catch (error) {
    return String(error);
  } finally {
    rmdirSync(at);
  }
}

/** @returns whether it cannot be tried here, which is said for whoever reads what was tested */
export function said(what: string, why: string | null): boolean {
  if (why !== null) console.error(`SKIPPED: ${what} cannot be tried here: ${why.trim()}`);
  return why !== null;
}

/** A file system in memory that holds so much. @param inodes and so many names, itself among them @returns what unmounts it */
export function mountSmall(at: string, mebibytes: number, inodes?: number): () => void {
  mkdirSync(at, { recursive: true });
  const options = `size=${String(mebibytes)}m${inodes === undefined ? '' : `,nr_inodes=${String(inodes)}`}`;
  run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', at);
  return () => void spawnSync('umount', ['-l', at]);
}

/** A directory at another place too. @returns what unmounts it */
export function mountAgain(from: string, at: string): () => void {
  mkdirSync(at, { recursive: true });
  run('mount', '--bind', from, at);
  return () => void spawnSync('umount', ['-l', at]);
}

export const isUnmountable = said(
  'a disk that is full or read-only',
  mountingFails((at) => run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at)),
);

export function remount(at: string, how: 'ro' | 'rw' | `nr_inodes=${number}`): void {
  run('mount', '-o', `remount,${how}`, at);
}

/** ext4 in a file beside the place. @returns what unmounts it */
function mountImage(
  at: string,
  making: readonly string[] = [],
  options = 'loop',
  mebibytes = 32,
): () => void {
  mkdirSync(at, { recursive: true });
  const image = `${at}.img`;
  writeFileSync(image, '');
  truncateSync(image, mebibytes * 1024 * 1024);
  run('mkfs.ext4', '-q', '-F', ...making, image);
  run('mount', '-o', options, image, at);
  return () => void spawnSync('umount', ['-l', at]);
}

/** ext4 in a file, which can be frozen. @returns what thaws and unmounts it */
export function mountFreezable(at: string): () => void {
  const unmount = mountImage(at);
  return () => {
    spawnSync('fsfreeze', ['-u', at]);
    unmount();
  };
}

export const isUnfreezable = said(
  'a disk that is stuck',
  mountingFails((at) => {
    mountImage(at, [], 'loop', 8);
    run('fsfreeze', '-f', at);
    run('fsfreeze', '-u', at);
    rmSync(`${at}.img`);
  }),
);

/** A file system whose server never says a word, as a share of a machine that is away. @returns what unmounts it */
export function mountSilent(at: string): () => void {
  mkdirSync(at, { recursive: true });
  const server = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
  const { status, stderr, error } = spawnSync(
    'mount',
    ['--internal-only', '-t', 'fuse', '-o', options, 'silent', at],
    { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe', server] },
  );
  const unmount = (): void => {
    // Without a server every question fails: whoever waits is let go, and it can be unmounted.
    closeSync(server);
    spawnSync('umount', ['-l', at]);
  };
  if (status === 0) return unmount;
  closeSync(server);
  throw new Error(`mount: ${error?.message ?? stderr}`);
}

export const isUnsilent = said('a file system that does not answer', silenceFails());

function silenceFails(): string | null {
  const at = mkdtempSync(join(tmpdir(), 'rt-mount-'));
  try {
    mountSilent(at)();
    return null;
  } catch (error) {
    return String(error);
  } finally {
    rmdirSync(at);
  }
}

export function freeze(at: string): void {
  run('fsfreeze', '-f', at);
}

export function thaw(at: string): void {
  run('fsfreeze', '-u', at);
}

/** ext4 in a file, which becomes read-only at the first error. @returns what unmounts it */
export function mountWorn(at: string): () => void {
  return mountImage(at, [], 'loop,errors=remount-ro');
}

/**
 * The kernel meets an error in it. Nothing else makes a file system read-only under a daemon that has files open for
 * writing: `mount -o remount,ro` is refused as long as anybody has.
 */
export function wearOut(at: string): void {
  const device = spawnSync('findmnt', ['-no', 'SOURCE', at], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, '1');
}

/** As a person would, when nobody uses it any more: checked, and mounted again. */
export function remountWorn(at: string): void {
  run('umount', at);
  // 1: it has corrected something.
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-p', '-f', `${at}.img`], { encoding: 'utf8' });
  if (status !== 0 && status !== 1) throw new Error(`e2fsck: ${stdout}${stderr}`);
  run('mount', '-o', 'loop,errors=remount-ro', `${at}.img`, at);
}

export const isUnwell = said(
  'a file system that becomes read-only by itself',
  mountingFails((at) => {
    mountWorn(at);
    wearOut(at);
    try {
      writeFileSync(join(at, 'file'), '');
      throw new Error('it can still be written to after an error');
    } catch (error) {
      if (!String(error).includes('EROFS')) throw error;
    } finally {
      rmSync(`${at}.img`);
    }
  }),
);

/** A directory at another place too, through FUSE: what happens there is seen here, and no event tells of it. @returns what unmounts it */
export function mountShared(from: string, at: string, ...options: readonly string[]): () => void {
  mkdirSync(at, { recursive: true });
  run('bindfs', ...options, from, at);
  return () => void spawnSync('umount', ['-l', at]);
}

export const isUnshareable = said(
  'a file system that others change too',
  mountingFails((at) => {
    const from = mkdtempSync(join(tmpdir(), 'rt-shared-'));
    try {
      run('bindfs', from, at);
    } finally {
      rmdirSync(from);
    }
  }),
);

/** ext4 with the inodes of old: its times are whole seconds. @returns what unmounts it */
export function mountCoarse(at: string): () => void {
  return mountImage(at, ['-I', '128']);
}

export const isUncoarse = said(
  'a file system whose times are whole seconds',
  mountingFails((at) => {
    mountCoarse(at);
    rmSync(`${at}.img`);
  }),
);
