/** Becomes the user that the daemon is to run as, for good: so files are looked at with exactly its rights. */
import { spawnSync } from 'node:child_process';

/**
 * @param moreGroups what a unit gives it beside its own, by number or name
 * @returns why it cannot be; null: this process is that user now, with all of its groups
 */
export function becomeUser(name: string, moreGroups: readonly string[]): string | null {
  const { stdout, status } = spawnSync('getent', ['passwd', name], { encoding: 'utf8' });
  const [, , uid, gid] = stdout.trim().split(':');
  if (status !== 0 || uid === undefined || gid === undefined) return `there is no user ${name}`;
  if (Number(uid) === process.getuid?.()) return null;
  if (process.getuid?.() !== 0) return `only root can look as ${name}`;
  const groups = spawnSync('id', ['-G', name], { encoding: 'utf8' }).stdout.trim().split(/\s+/).map(Number);
  for (const group of moreGroups) {
    const found = spawnSync('getent', ['group', group], { encoding: 'utf8' }).stdout.split(':')[2];
    if (found !== undefined) groups.push(Number(found));
  }
  // In this order: who is not root any more may change none of them.
  process.setgroups?.(groups);
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
  return null;
}
