/** What the page asks for beside what commands can ask for. */
import type { RecentRun } from './pictures.ts';

export interface PageQuestions {
  /** What was said of the run, and what lies in its folder now. Null: there is no such run. */
  contents(run: number): Promise<RunContents | null>;
  /** The newest runs of the drop roots that made one last, newest first. */
  recent(rootsMax: number): Promise<readonly RecentOfRoot[]>;
}

export interface RecentOfRoot {
  readonly root: string;
  readonly runs: readonly RecentRun[];
}

export interface RunContents {
  readonly name: string;
  readonly status: 'succeeded' | 'failed';
  readonly durationMs: number | null;
  readonly error: string | null;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, unknown>> | null;
  /** The end of it. Null: the run has none, or it cannot be read. */
  readonly log: FilePart | null;
  /** The beginning of it. Null: there is none yet. */
  readonly result: FilePart | null;
}

export interface FilePart {
  readonly name: string;
  readonly text: string;
  readonly bytes: number;
  /** The text is not all of it. */
  readonly isCut: boolean;
}
