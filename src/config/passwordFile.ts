/**
 * The file that holds the page's password, as far as it can be judged before anybody enters. Its path is not repeated in
 * a text: it happens that the password is written there in place of a path.
 */
import { readFileSync, statSync } from 'node:fs';
import { passwordFileFlaw, passwordIn } from '../core/passwordFile.ts';

/** @returns what is wrong with it. What this user may not look at is no mistake: the daemon's user may */
export function passwordFileProblem(path: string): string | undefined {
  try {
    const stats = statSync(path);
    const look = { isFile: stats.isFile(), mode: stats.mode, sizeBytes: stats.size };
    const flaw = passwordFileFlaw(look);
    if (flaw !== null) return flaw;
    return passwordIn(readFileSync(path, 'utf8')) === null
      ? 'is empty: write the password into it'
      : undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === undefined) throw error;
    if (code === 'EACCES' || code === 'EPERM') return undefined;
    return 'there is no such file: it has to be the path of a file that holds the password, not the password itself';
  }
}
