/** Which file system a path lies on, and whether the kernel tells of what other machines change in it. */
import { readFile, realpath, statfs } from 'node:fs/promises';

export interface FileSystem {
  /** As the mount table calls it ("ext4", "nfs4"); the number of its type where the table does not say. */
  readonly name: string;
  /** Its changes may come from elsewhere, of which no event tells: network file systems, and all of FUSE. */
  readonly isRemote: boolean;
}

/** Numbers of statfs(2), from linux/magic.h and the file systems' own sources. */
const remoteTypes = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x01021997, // 9P
  0x00c36400, // Ceph
  0x65735546, // FUSE
  0x5346414f, // AFS
  0x6b414653, // kAFS
  0x73757245, // Coda
  0x7461636f, // OCFS2
  0x01161970, // GFS2
  0x0bd00bd0, // Lustre
  0x786f4256, // VirtualBox shared folders
  0x47504653, // GPFS
  0x19830326, // BeeGFS
  0xaad7aaea, // PanFS
]);

/** @throws the system error of a path that is not there */
export async function fileSystemAt(path: string): Promise<FileSystem> {
  const type = (await statfs(path)).type >>> 0;
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const name = mountedAs(table, await realpath(path)) ?? `type 0x${type.toString(16)}`;
  return { name, isRemote: isRemoteType(type) };
}

/** @param type the number that statfs gives, without a sign */
export function isRemoteType(type: number): boolean {
  return remoteTypes.has(type);
}

/** The type of the innermost mount around a path, by the text of /proc/self/mountinfo; null: it does not say. */
export function mountedAs(table: string, path: string): string | null {
  let best: { readonly at: string; readonly type: string } | null = null;
  for (const line of table.split('\n')) {
    const [left, right] = line.split(' - ');
    const at = left
      ?.split(' ')[4]
      ?.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const type = right?.split(' ')[0];
    if (at === undefined || type === undefined) continue;
    const isAround = at === '/' || path === at || path.startsWith(`${at}/`);
    // Of several mounts at one place the last one is seen.
    if (isAround && (best === null || at.length >= best.at.length)) best = { at, type };
  }
  return best?.type ?? null;
}
