/** Files of another user, which only root can make. */
import { chownSync, linkSync, writeFileSync } from 'node:fs';
import { said } from '../journey/mounts.ts';

/** The user `nobody`, as most systems number it. */
export const anotherUser = 65_534;

/** Whether no file can be given to another user here, which is said. */
export const isUngiving = said(
  'files of another user',
  process.getuid?.() === 0 ? null : 'only root can give a file away',
);

/** Gives a file a second name that is another user's, and that nobody else may read. */
export function linkToAnothers(file: string, name: string): void {
  writeFileSync(file, 'secret', { mode: 0o600 });
  chownSync(file, anotherUser, anotherUser);
  linkSync(file, name);
}
