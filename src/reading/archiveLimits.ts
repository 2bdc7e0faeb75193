/** What an archive may hold. */

export interface ArchiveLimits {
  /** All files together, in bytes. */
  readonly unpackedBytesMax: number;
  readonly filesMax: number;
  readonly depthMax: number;
  /** One file, in bytes; absent: no limit of its own. */
  readonly fileBytesMax?: number;
}

/** What the platform documents; a deeper tree is no solver's output. */
export const archiveLimits: ArchiveLimits = {
  unpackedBytesMax: 2.5 * 1024 ** 3,
  filesMax: 100_000,
  depthMax: 64,
};

/** What the platform takes of an archive as it is sent. */
export const packedBytesMax = 700 * 1024 ** 2;

/** The most that `limits.folder_files` can be set to: names of so many files are held for a moment. */
export const entriesMax = 100_000;
