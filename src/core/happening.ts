/** What a run's life is so far, what can happen to it, and what follows: no rule is here, only the words of all rules. */
import { reasonOf, type Failure } from './failure.ts';
import type { LiveState, RunState, Upload } from './run.ts';
import type { SteadyMoment } from './steadyMoment.ts';

/** A run's life so far: its state, and what has to outlive a change of state. */
export interface RunLife {
  readonly state: RunState;
  /** Failures in a row since the last progress. */
  readonly tries: number;
  /** Once refused: error, name and description go in their plainest form. The fingerprint stays. */
  readonly plainest: boolean;
  /** A request was once sent whose outcome never became known: a revival starts by looking. */
  readonly everUnknown: boolean;
  /** Wall clock, in ms, of the first of those requests in a row whose answers said nothing; absent: there is none. */
  readonly unclearSinceMs?: number;
}

/** What a step, the folder or a person reports. */
export type Happening =
  | { readonly kind: 'uploadsLanded'; readonly uploads: readonly Upload[]; readonly failure: Failure | null }
  | { readonly kind: 'uploadsTooOld' }
  | { readonly kind: 'sourceChanged'; readonly failure: Failure }
  | { readonly kind: 'intended'; readonly platformTimeMs: number }
  /** The intent took so long to be written down that the slot for its request was another moment's: no byte was sent. */
  | { readonly kind: 'slotTooOld' }
  | { readonly kind: 'made'; readonly runId: string }
  | { readonly kind: 'nothingMade'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | {
      readonly kind: 'unclear';
      readonly failure: Failure;
      readonly endedAtMs: number;
      readonly ended?: SteadyMoment;
    }
  /** `isPartOfList`: the list broke off, so an older run with the same fingerprint may stand in the rest. */
  | { readonly kind: 'found'; readonly runId: string; readonly isPartOfList?: boolean }
  /** The list shows it as a run that is another folder's here. */
  | { readonly kind: 'foundTaken'; readonly runId: string }
  | {
      readonly kind: 'absent';
      readonly listing: number;
      readonly startedAtMs: number;
      readonly steady: SteadyMoment;
      readonly proof: AbsenceProof;
    }
  | { readonly kind: 'notFinal' }
  | { readonly kind: 'notFound'; readonly failure: Failure; readonly steady: SteadyMoment }
  | { readonly kind: 'final'; readonly status: string }
  /** `aside`: it was to lie beside its content, and does not; absent: it does, or newer content has taken that place. */
  | { readonly kind: 'written'; readonly path: string; readonly aside?: Aside }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** `doubt`: where it was left before, why a person has to say first that it is a run of its own. */
  | { readonly kind: 'logOrMetaChanged'; readonly doubt?: Failure | null }
  | { readonly kind: 'newerContent' }
  /** The same content is to go to another app or platform by now, which makes it a run of its own. */
  | { readonly kind: 'otherTarget' }
  | { readonly kind: 'vanished' }
  /** The same content is complete again; `doubt`: likewise. */
  | { readonly kind: 'returned'; readonly doubt?: Failure | null }
  /** Its result does not lie beside its content any more: it is fetched and written back again. */
  | { readonly kind: 'resultLost' }
  /** The outbox may not remember what it did: what it says of requests that were sent is not believed. */
  | { readonly kind: 'distrusted' }
  | { readonly kind: 'crashedAlone' }
  /** Its drop root is not in the configuration any more. */
  | { readonly kind: 'rootRemoved'; readonly failure: Failure }
  /** It is again. */
  | { readonly kind: 'rootReturned' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'skip' };

/** Why a result lies in the state directory: its folder was not there, or did not take it. */
export type Aside = 'away' | 'refused';

/** What a complete listing without the fingerprint is worth. */
export interface AbsenceProof {
  /** It still showed every run that the earlier one had seen since the intent: no page was shifted by a deletion. */
  readonly keepsEarlier: boolean;
  /** Some fingerprint of ours was seen in this app's list before: descriptions are neither cut nor left out. */
  readonly fingerprintsShow: boolean;
  /** This very listing showed one. A list that showed them before and is bare of them now is no whole list. */
  readonly showsOurs: boolean;
  /** Whether the content is still in the folder as it was, and to be sent as it was: only what is there is sent again. */
  readonly content: 'there' | 'newer' | 'otherTarget' | 'gone';
  /** A run with this content under another fingerprint, made while the outbox was lost; null: none was seen. */
  readonly twin: string | null;
}

export interface Conclusion {
  readonly life: RunLife;
  /** Wall clock when the next step is due, in ms; null: not by itself (a person or the folder). */
  readonly dueAtMs: number | null;
  /** One sentence for the run's history; null: nothing worth telling. */
  readonly note: string | null;
}

/** The run has come further: what it failed at before does not count any more. */
export function to(life: RunLife, next: RunState, note: string, dueAtMs: number | null): Conclusion {
  return {
    life: { ...life, state: next, tries: 0, everUnknown: life.everUnknown || next.kind === 'unknown' },
    dueAtMs,
    note,
  };
}

/** The run waits for a person; `retry` goes back to where it was. */
export function park(life: RunLife, from: LiveState, failure: Failure): Conclusion {
  return to(
    life,
    { kind: 'parked', from, reason: reasonOf(failure), hint: failure.hint },
    failure.text,
    null,
  );
}
