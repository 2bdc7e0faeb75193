/** Whose a file is that has several names. */

interface FileOwnership {
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly mode: bigint;
}

/** Group and others may read. */
const readableByAll = 0o044n;

/**
 * Whether a file in a folder may be one that the folder's owner could not read: a hard link needs no right to read, and
 * whoever may read the folder for its owner would read the file for him. His own files are his to give, however many names
 * they have (a snapshot by hard links gives each a second one), and what everybody may read is no secret. A group alone
 * says nothing, because who is in it is not said by the file.
 * @param folderUid the folder's owner
 */
export function mayBeAnothers({ nlink, uid, mode }: FileOwnership, folderUid: bigint): boolean {
  return nlink > 1n && uid !== folderUid && (mode & readableByAll) !== readableByAll;
}
