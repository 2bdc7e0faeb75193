/** What a run consists of, and the files that hold it. */

export type Artefact = 'input' | 'output' | 'logs' | 'statistics' | 'metrics' | 'assets';

/** A file of the storage. Its name is made up, and says nothing. */
export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

/** Those that a run has. */
export type ArtefactFiles = Readonly<Partial<Record<Artefact, StoredFile>>>;
