/** When a password may be taken from a file: the same is asked of it when it is configured and whenever it is used. */

const passwordBytesMax = 1024;

export interface PasswordFileLook {
  readonly isFile: boolean;
  readonly mode: number;
  readonly sizeBytes: number;
}

/** @returns what is wrong with the file, to be said behind its name; null: it may be read */
export function passwordFileFlaw({ isFile, mode, sizeBytes }: PasswordFileLook): string | null {
  if (!isFile) return 'is not a file';
  if ((mode & 0o077) !== 0) return 'may be read by others than its owner: chmod 600 makes it theirs alone';
  if (sizeBytes > passwordBytesMax) return 'is too long for a password';
  return null;
}

/** The password in what stands in the file: without the line break that an editor leaves. Null: it is empty. */
export function passwordIn(text: string): string | null {
  const password = text.replace(/\r?\n$/, '');
  return password === '' ? null : password;
}
