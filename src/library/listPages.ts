/** The list of an app's runs, page by page (contract: list). */
import { RuntrackdError } from '../core/failure.ts';
import type { RunPage } from '../platform/wire.ts';
import type { Client } from './client.ts';

/** 50 runs a page: a list of more than five million runs is not read. */
const pagesMax = 100_000;

/** @throws RuntrackdError (list-loops) where it comes back to a page that it gave before */
export async function* listPages(
  { client, app }: { readonly client: Client; readonly app: string },
  signal: AbortSignal,
): AsyncGenerator<RunPage> {
  const tokens = new Set<string>();
  let token: string | null = null;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const asked: string | null = token;
    const page: RunPage = await client.ask((platform) => platform.listRuns(app, asked, signal), signal);
    yield page;
    token = page.next_page_token ?? '';
    if (token === '') return;
    if (tokens.has(token)) break;
    tokens.add(token);
  }
  throw new RuntrackdError({
    class: 'list-loops',
    text: `the platform’s list of runs of "${app}" does not end`,
    hint: 'Report it to the platform’s support.',
    reach: 'app',
  });
}
