/** What the platform's lists showed: the evidence for "found" and for "surely absent". */
import { alsoThere } from '../core/foundTwice.ts';
import { allLines } from '../core/turns.ts';
import type { Claim, Run } from './nouns.ts';
import { runOf, type RunRow } from './rows.ts';
import type { Statements } from './prepare.ts';
import { warningsMax, type RunRows } from './runRows.ts';

/** Whose apps are looked at, of each line: whole backlogs are of one app. */
const runsAskedFor = 50;

export interface ListedRun {
  readonly runId: string;
  readonly createdAtMs: number;
  /** The fingerprint in its description; null when it carries none. */
  readonly fingerprint: string | null;
  /** The first ten digits of its generation, and the host, that stand beside the fingerprint. */
  readonly generation: string | null;
  readonly host: string | null;
}

/** A run on the platform that this outbox should know to have been sent, and does not. */
export interface Stranger extends ListedRun {
  /** There is a row of it, which would be sent. */
  readonly isTakenForUnsent: boolean;
}

/** Which of the runs in a list this outbox knows to have been made, and which it should know and does not. */
export interface Recognised {
  readonly strangers: readonly Stranger[];
  /** When the newest was made whose id this outbox was given when it sent it, in ms; null: none is. */
  readonly newestOwnMs: number | null;
}

export interface FoundRun {
  readonly run: number;
  readonly runId: string;
  readonly createdAtMs: number;
}

interface OwnRow {
  readonly run: number;
  readonly app: string;
  readonly platform: string;
  readonly runId: string | null;
  readonly everUnknown: number;
  readonly road: string;
}

export function listingOperations(
  sql: Statements,
  { thin, runByNumber }: Pick<RunRows, 'thin' | 'runByNumber'>,
) {
  const ownRow = (fingerprint: string): OwnRow | undefined =>
    sql.ownFingerprint.get({ fingerprint }) as OwnRow | undefined;

  /** @returns where on its road the run is, or left it, and its id there; undefined: there is none */
  const knownOf = (fingerprint: string): Pick<OwnRow, 'road' | 'runId' | 'everUnknown'> | undefined => {
    const own = ownRow(fingerprint);
    const thinned = own === undefined ? thin.byFingerprint(fingerprint) : undefined;
    return thinned === undefined ? own : { ...thinned, road: thinned.kind };
  };

  /** A run that has its id already has another one on the platform: once, whatever else the run was warned of. */
  const warnOfOther = (run: number, runId: string): void => {
    const warnings = runByNumber(run)?.warnings ?? [];
    if (warnings.some((warning) => warning.startsWith(alsoThere(runId)))) return;
    const told = [...warnings, `${alsoThere(runId)} the one that was known first was kept`];
    sql.setWarnings.run({ run, warnings: JSON.stringify(told.slice(0, warningsMax)) });
  };

  return {
    /** Apps by which one can tell whether the platform is well: first those whose runs wait, the longest first. */
    appsToAsk(platform: string, max: number): string[] {
      const waiting = allLines.flatMap(
        (line) => sql.appsDue.pluck().all({ platform, line, limit: runsAskedFor }) as string[],
      );
      const listed = sql.appsOfPlatform.pluck().all({ platform, limit: max }) as string[];
      return [...new Set([...waiting, ...listed])].slice(0, max);
    },

    /** Whether any run of the app waits for its next step, or is in hand, where it stands in no line. */
    isAwaited(platform: string, app: string): boolean {
      return (
        allLines.some((line) => sql.anyOfApp.get({ platform, line, app }) !== undefined) ||
        sql.anyOfAppInHand.get({ platform, app }) !== undefined
      );
    },

    /** Apps with unknown runs that are due to be looked for. */
    unknownApps(platform: string, nowMs: number): string[] {
      return sql.appsWithDue.pluck().all({ platform, line: 'reconcile', nowMs }) as string[];
    },

    /**
     * Unknown runs of the app that are due, in pages: those first that have been for longest.
     * @param nowMs the same for all pages: what is to be looked for again later is not seen twice then
     * @param after the last one of the page before; null: this is the first page
     */
    unknownDue(
      platform: string,
      app: string,
      nowMs: number,
      after: Pick<Run, 'run' | 'dueAtMs'> | null,
      limit: number,
    ): Claim[] {
      const place = { afterDueMs: after?.dueAtMs ?? Number.MIN_SAFE_INTEGER, afterRun: after?.run ?? 0 };
      return (sql.unknownDue.all({ platform, app, nowMs, ...place, limit }) as RunRow[]).map(runOf);
    },

    /** Apps whose list was never seen to show a fingerprint of ours. */
    unseenApps(platform: string): string[] {
      return sql.unseenApps.pluck().all({ platform }) as string[];
    },

    /** From now on the app's list is expected to show our fingerprints, and one listing finds out. */
    noteApp(platform: string, app: string): void {
      sql.noteApp.run({ platform, app });
    },

    fingerprintsShow(platform: string, app: string): boolean {
      const row = sql.app.get({ platform, app }) as { seenAtMs: number | null } | undefined;
      return row !== undefined && row.seenAtMs !== null;
    },

    beginListing(platform: string, app: string, nowMs: number): number {
      return sql.beginListing.pluck().get({ platform, app, nowMs }) as number;
    },

    /**
     * Takes in one page. Each id is kept, so that the next listing can tell whether a deletion has shifted its pages. A run
     * that is known under another id is warned of this one; not so one whose story was let go.
     * @returns what carries the fingerprint of an unknown run; whether it is that run's is for `apply` to say
     */
    addPage(
      listing: number,
      platform: string,
      app: string,
      page: readonly ListedRun[],
      nowMs: number,
    ): FoundRun[] {
      const found: FoundRun[] = [];
      const ownHost = sql.readHost.pluck().get() as string | null | undefined;
      for (const { runId, createdAtMs, fingerprint, generation, host } of page) {
        sql.addListed.run({ listing, runId, createdAtMs });
        if (fingerprint === null) continue;
        const own = ownRow(fingerprint);
        const isKnown = own !== undefined || thin.byFingerprint(fingerprint) !== undefined;
        if (!isKnown) sql.noteTwin.run({ platform, app, runId, fingerprint, generation });
        // One under this host's name was an outbox's that was lost: it shows as well that this list shows them.
        if (isKnown || (host !== null && host === ownHost)) {
          sql.noteOurs.run({ listing });
          sql.noteFingerprintSeen.run({ platform, app, nowMs });
        }
        const run = sql.unknownByFingerprint.pluck().get({ fingerprint, app, platform }) as
          number | undefined;
        if (run !== undefined) found.push({ run, runId, createdAtMs });
        else if (own?.app === app && own.platform === platform) {
          if (own.runId !== null && own.runId !== runId) warnOfOther(own.run, runId);
        }
      }
      return found;
    },

    /**
     * How far the app's list was read for runs that this outbox should know: to when the newest run was made that it
     * showed then, in ms; null: it was read, and shows no order.
     * @returns null: it never was
     */
    proof(platform: string, app: string): { readonly newestMs: number | null } | null {
      return (sql.proof.get({ platform, app }) as { newestMs: number | null } | undefined) ?? null;
    },

    /** @param newestMs when the newest run was made in a list that is newest first; null: it is not */
    noteProof(platform: string, app: string, newestMs: number | null, nowMs: number): void {
      sql.noteProof.run({ platform, app, newestMs, nowMs });
    },

    /**
     * Runs of a list that carry our host's name and a fingerprint that this outbox does not know, or takes for unsent:
     * also one that is set aside, which a person's word sends. What it does not know is wondered at once: another daemon
     * under the same name has such runs for ever. What it takes for unsent is wondered at each time, whatever was noted
     * of it: a file that is pieced together from pages of several times may know that, and not what followed.
     */
    recognise(host: string, listed: readonly ListedRun[]): Recognised {
      const strangers: Stranger[] = [];
      let newestOwnMs: number | null = null;
      for (const run of listed) {
        const { fingerprint, runId, createdAtMs } = run;
        if (fingerprint === null || run.host !== host) continue;
        const known = knownOf(fingerprint);
        // One that was looked for was sent when nobody here knew: long after a copy was made, for all that it says.
        if (known?.runId === runId && known.everUnknown === 0)
          newestOwnMs = Math.max(newestOwnMs ?? createdAtMs, createdAtMs);
        const isTakenForUnsent = known?.road === 'queued' || known?.road === 'uploaded';
        if (known !== undefined && !isTakenForUnsent) continue;
        if (!isTakenForUnsent && sql.isStranger.get({ fingerprint }) !== undefined) continue;
        strangers.push({ ...run, isTakenForUnsent });
      }
      return { strangers, newestOwnMs };
    },

    /** Whether the listing showed any fingerprint of ours. */
    showsOurs(listing: number): boolean {
      return Number(sql.readOurs.pluck().get({ listing }) ?? 0) > 0;
    },

    /** Whether the later listing still shows every run made since then that the earlier one had shown. */
    keepsEarlier(earlier: number, later: number, sinceMs: number): boolean {
      return sql.lostSince.get({ earlier, later, sinceMs }) === undefined;
    },

    /**
     * Forgets listings of the app that no unknown run refers to any more.
     * @param limit so many of the runs that they showed at most: lists may be of millions
     * @returns whether there may be more
     */
    forgetListings(platform: string, app: string, limit: number): boolean {
      let left = limit;
      for (const listing of sql.listings.pluck().all({ platform, app }) as number[]) {
        if (sql.isListingNeeded.get({ listing }) !== undefined) continue;
        left -= sql.forgetListed.run({ listing, limit: left }).changes;
        if (left <= 0) return true;
        sql.forgetListing.run({ listing });
      }
      return false;
    },
  };
}
