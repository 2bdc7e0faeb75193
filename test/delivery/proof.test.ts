/** How far a list is read for what an outbox that was put back does not know: as far as that could be, and no further. */
import { expect, test } from 'vitest';
import { defaultPolicy } from '../../src/core/policy.ts';
import { proveOutbox } from '../../src/delivery/trust.ts';
import type { ListedRun } from '../../src/outbox/listingOperations.ts';
import type { RunPage } from '../../src/platform/wire.ts';
import { machineClock } from '../../src/system/clock.ts';
import { quietLog } from '../../src/system/log.ts';

const minuteMs = 60_000;
const beganMs = Date.UTC(2026, 0, 1);
const runsOfPage = 50;
const [knownFingerprint, strangeFingerprint] = ['k', 's'].map((letter) => `rt1:${letter.repeat(26)}`);

interface Listing {
  /** What was noted of the last proof: when the newest run was made that its list showed, in minutes likewise. */
  readonly proven?: { readonly minutes: number | null } | null;
  /** One for each run, newest first, in minutes before the newest; null: the platform gives no time. */
  readonly minutes: readonly (number | null)[];
  /** Places in it of runs under our host's name. */
  readonly known?: readonly number[];
  readonly strange?: readonly number[];
  readonly order?: 'newest-first' | 'oldest-first';
  /** So many runs are made by others whenever a page is asked for: what was listed moves on by so many. */
  readonly shift?: number;
}

async function proof({
  proven = { minutes: null },
  minutes,
  known = [],
  strange = [],
  shift = 0,
  order = 'newest-first',
}: Listing): Promise<{
  isBelieved: boolean;
  pages: number;
  strangers: readonly string[];
  notedMinutes: number | null;
}> {
  const carried = (at: number): string =>
    known.includes(at)
      ? `[${String(knownFingerprint)} g:0123456789 host:ours]`
      : strange.includes(at)
        ? `[${String(strangeFingerprint)} g:0123456789 host:ours]`
        : 'somebody else’s';
  const newestFirst = minutes.map((ago, at) => ({
    id: `run-${String(at)}`,
    description: carried(at),
    run_type: { type: 'external' },
    ...(ago === null ? {} : { created_at: new Date(beganMs - ago * minuteMs).toISOString() }),
  }));
  const runs = order === 'newest-first' ? newestFirst : newestFirst.toReversed();
  let pages = 0;
  let noted = 0;
  const strangers: string[] = [];
  let notedMinutes: number | null = null;
  const isBelieved = await proveOutbox(
    'hare-app',
    {
      outbox: {
        proof: () => {
          const agoMs = (proven?.minutes ?? 0) * minuteMs;
          return Promise.resolve(
            proven === null ? null : { newestMs: proven.minutes === null ? null : beganMs - agoMs },
          );
        },
        noteProof: (_platform, _app, newestMs) => {
          notedMinutes = newestMs === null ? null : (beganMs - newestMs) / minuteMs;
          return Promise.resolve();
        },
        recognise: (host: string, listed: readonly ListedRun[]) => {
          const ofHost = listed.filter((run) => run.host === host);
          const own = ofHost.filter(({ runId }) => known.some((at) => runId === `run-${String(at)}`));
          return Promise.resolve({
            strangers: ofHost
              .filter(({ fingerprint }) => fingerprint === strangeFingerprint)
              .map((run) => ({ ...run, isTakenForUnsent: false })),
            newestOwnMs: own.length === 0 ? null : Math.max(...own.map(({ createdAtMs }) => createdAtMs)),
          });
        },
        beginDistrust: (_reason, _evidenceMs, _chance, fingerprints = []) => {
          strangers.push(...fingerprints);
          return Promise.resolve(true);
        },
      },
      platform: {
        platformTimeMs: () => beganMs,
        listRuns: (_app: string, token: string | null) => {
          const at = Math.max(0, Number(token ?? 0) - (token === null ? 0 : shift));
          pages += 1;
          const page = { runs: runs.slice(at, at + runsOfPage) };
          const isLast = at + runsOfPage >= runs.length;
          return Promise.resolve(
            (isLast ? page : { ...page, next_page_token: String(at + runsOfPage) }) as RunPage,
          );
        },
      },
      platformId: 'https://platform.example',
      host: 'ours',
      progress: { delivery: () => (noted += 1), reconcile: () => undefined },
      clock: machineClock,
      policy: defaultPolicy,
      log: quietLog(),
    },
    new AbortController().signal,
  );
  // A list that takes minutes must not look like a loop that is stuck.
  expect(noted).toBe(pages);
  return { isBelieved, pages, strangers, notedMinutes };
}

/** A run a minute: six pages. */
const sixPages = Array.from({ length: 300 }, (_, ago) => ago);

test('what other hosts have made since does not hide what an older copy of the outbox has sent', async () => {
  const found = await proof({ minutes: sixPages, strange: [120], known: [140] });
  expect(found).toMatchObject({ isBelieved: false, pages: 4, strangers: [strangeFingerprint] });
});

test('a run that was made in the future, by a clock that was wrong, hides nothing behind it', async () => {
  const denselyListed = [-1e6, ...sixPages.map((ago) => ago / 10)];
  const found = await proof({ minutes: denselyListed, known: [0], strange: [120] });
  expect(found).toMatchObject({ isBelieved: false, strangers: [strangeFingerprint], notedMinutes: 0 });
});

test.each<{ name: string; listing: Listing; pages: number }>([
  {
    name: 'a list that is read to a quarter of an hour before the newest run that it knows',
    listing: { minutes: sixPages, known: [60, 70] },
    pages: 2,
  },
  {
    name: 'a list that shows such a run only at the edge of a page, and the quarter of an hour is on the next',
    listing: { minutes: sixPages, known: [90] },
    pages: 3,
  },
  { name: 'a whole list that shows none', listing: { minutes: sixPages }, pages: 6 },
  {
    name: 'a whole list in another order',
    listing: { minutes: sixPages, known: [60], order: 'oldest-first' },
    pages: 6,
  },
  {
    name: 'a whole list with a run that is out of order',
    listing: { minutes: sixPages.with(10, 200), known: [60] },
    pages: 6,
  },
  {
    name: 'a whole list without times',
    listing: { minutes: sixPages.map(() => null), known: [60] },
    pages: 6,
  },
  {
    name: 'the whole list of an app that it was never proven for',
    listing: { proven: null, minutes: sixPages, known: [0, 60] },
    pages: 6,
  },
  {
    name: 'a list that is read to a quarter of an hour before what it showed at the last proof',
    listing: { proven: { minutes: 60 }, minutes: sixPages },
    pages: 2,
  },
  {
    name: 'a list that is read to before the later one of the two',
    listing: { proven: { minutes: 120 }, known: [60], minutes: sixPages },
    pages: 2,
  },
  {
    name: 'a list whose times are out of order by less than machines differ',
    listing: { minutes: sixPages.with(10, 9.5), known: [60] },
    pages: 2,
  },
  {
    name: 'a list that others’ runs push on while it is read',
    listing: { minutes: sixPages, known: [60], shift: 3 },
    pages: 2,
  },
])('an outbox is believed after $name', async ({ listing, pages }) => {
  expect(await proof(listing)).toMatchObject({ isBelieved: true, pages, strangers: [] });
});

test.each<{ name: string; listing: Listing; noted: number | null }>([
  { name: 'its newest run', listing: { minutes: sixPages.slice(5), known: [60] }, noted: 5 },
  {
    name: 'nothing where it has another order',
    listing: { minutes: sixPages, order: 'oldest-first' },
    noted: null,
  },
  { name: 'nothing where it is empty', listing: { proven: null, minutes: [] }, noted: null },
])('what is noted of a list that proved the outbox is $name', async ({ listing, noted }) => {
  expect((await proof(listing)).notedMinutes).toBe(noted);
});
