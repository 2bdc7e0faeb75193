/** Archives that lie in a directory without a name, and what may become of them. Linux only. */
import { readdirSync, readlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** What is open in the directory by this process loses its end. */
export function cutShort(spoolDir: string, bytes: number): void {
  const open = '/proc/self/fd';
  const ours = readdirSync(open).filter((fd) => leadsTo(join(open, fd)).startsWith(join(spoolDir, '.')));
  if (ours.length === 0) throw new Error(`nothing is open in ${spoolDir}`);
  for (const fd of ours) truncateSync(join(open, fd), bytes);
}

function leadsTo(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // It was closed meanwhile, as the one is by which they are listed.
    return '';
  }
}
