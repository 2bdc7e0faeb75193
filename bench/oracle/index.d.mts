/** The shapes of what the tests take from this bench. */
import type { RunView } from '../../src/http/operations.ts';

export interface Generation {
  readonly number: number;
  /** It is what lies in the drop root. */
  readonly stands: boolean;
  /** SHA-256 of the files; a log may have been one of several. */
  readonly input: string;
  readonly output: string;
  readonly logs: readonly string[];
}

export interface Records {
  readonly folders: readonly { readonly name: string; readonly generations: readonly Generation[] }[];
  /** As the platform holds them; digests of their bytes. */
  readonly runs: readonly {
    readonly id: string;
    readonly name: string;
    readonly fingerprint: string | null;
    readonly input: string | null;
    readonly output: string | null;
    readonly logs: string | null;
  }[];
  readonly views: readonly Pick<
    RunView,
    'run' | 'folder' | 'state' | 'run_id' | 'fingerprint' | 'reason' | 'hint'
  >[];
  readonly results: readonly (
    | { readonly folder: string; readonly isWhole: false }
    | {
        readonly folder: string;
        readonly isWhole: true;
        readonly id: string;
        readonly fingerprint: string;
        readonly output: string | null;
      }
  )[];
  /** Ids of runs that others made. */
  readonly foreign: readonly string[];
  readonly unsettled: readonly string[];
  readonly happened: Readonly<Record<string, { readonly times: number; readonly least: number }>>;
}

export interface Breach {
  readonly property: string;
  readonly what: string;
}

export interface Judged {
  readonly broken: readonly Breach[];
  readonly counts: { readonly [name: string]: unknown };
}

export interface Stage {
  readonly requests: Readonly<Record<string, number>>;
}
export interface Chance {
  next(): number;
}
export type Play = (stage: Stage, chance: Chance) => Promise<Judged>;

export function check(records: Records): Breach[];
export function disks(stage: Stage, chance: Chance, times: number): Promise<Judged>;
export function damage(stage: Stage, chance: Chance, times: number): Promise<Judged>;
export function impatientProgram(
  dir: string,
  sabotage?: readonly (readonly [file: string, from: string, to: string])[],
): Promise<string>;
export function playRound(
  round: { readonly name: string; readonly place: number; readonly play: Play },
  seed: number,
  dir: string,
  mainFile: string,
  keepIn?: string | null,
): Promise<Judged>;
export function labelledKills(
  stage: Stage,
  chance: Chance,
  kills: number,
  points?: readonly string[],
): Promise<Judged>;
export function storm(stage: Stage, chance: Chance, kills: number): Promise<Judged>;
export function wire(
  stage: Stage,
  chance: Chance,
  kind: string,
  amount: 'some' | 'every' | 'slow',
): Promise<Judged>;
export function sources(
  stage: Stage,
  chance: Chance,
  times: number,
  names?: readonly string[],
): Promise<Judged>;
export function poison(stage: Stage, chance: Chance, folders: number, every: number): Promise<Judged>;
export function lists(stage: Stage, chance: Chance, names?: readonly string[]): Promise<Judged>;
