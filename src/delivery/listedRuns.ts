/** The platform's list of an app's runs, page by page to its end, as far as it could be about ours. */
import { carriedBy } from '../core/description.ts';
import { RuntrackdError } from '../core/failure.ts';
import type { ListedRun } from '../outbox/listingOperations.ts';
import type { RunPage } from '../platform/wire.ts';
import type { PacedPlatform } from './pacedPlatform.ts';

/** 50 runs a page: a list of more than five million runs is not read, and proves nothing. */
const pagesMax = 100_000;

/** @throws RuntrackdError when a page cannot be read, and when the pages come to no end: such a list proves nothing */
export async function* pagesOfRuns(
  app: string,
  platform: Pick<PacedPlatform, 'listRuns'>,
  signal: AbortSignal,
): AsyncGenerator<ListedRun[]> {
  const tokens = new Set<string>();
  for (let token: string | null = null; ;) {
    const page: RunPage = await platform.listRuns(app, token, signal);
    yield page.runs.map(listed);
    const next = page.next_page_token ?? '';
    if (next === '') return;
    if (tokens.has(next) || tokens.size + 1 >= pagesMax) {
      throw new RuntrackdError({
        class: 'list-loops',
        text: `the platform’s list of runs of "${app}" does not end`,
        hint: 'Nothing can be proved by it; report it to the platform’s support.',
        reach: 'app',
      });
    }
    tokens.add(next);
    token = next;
  }
}

/** Only what could be ours: an external run that carries a fingerprint; the rest is kept by its id alone. */
function listed(run: RunPage['runs'][number]): ListedRun {
  const createdAtMs = Date.parse(run.created_at ?? '');
  const isExternal = run.run_type?.type === 'external';
  const carried = isExternal ? carriedBy(run.description ?? '') : null;
  return {
    runId: run.id,
    // Without a time it might be as new as can be, so it counts as made since every intent.
    createdAtMs: Number.isFinite(createdAtMs) ? createdAtMs : Number.MAX_SAFE_INTEGER,
    fingerprint: carried?.fingerprint ?? null,
    generation: carried?.generation ?? null,
    host: carried?.host ?? null,
  };
}
