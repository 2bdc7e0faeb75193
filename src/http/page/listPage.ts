/** `/runs`: folders that are no runs, then runs, newest first, a page at a time, of one state or one drop root if asked. */
import { html } from 'hono/html';
import { needsPerson, shownStates, type ShownState } from '../../core/run.ts';
import { count, type Markup } from '../../markup/wording.ts';
import type { ListPlace, RunView } from '../operations.ts';
import { turnPath, type Turn } from './paths.ts';
import { runTable } from './runTable.ts';

export interface ListPage {
  readonly turn: Turn;
  readonly runs: readonly RunView[];
  /** Behind which the next page begins; null: these are the last. */
  readonly next: ListPlace | null;
  readonly counts: Partial<Record<ShownState, number>>;
  readonly roots: readonly string[];
  readonly nowMs: number;
}

export function listContent({ turn, runs, next, counts, roots, nowMs }: ListPage): Markup {
  const { states, root, after } = turn;
  return html`<h1>Runs</h1>
    ${filter(turn, counts)} ${roots.length > 1 ? rootFilter(turn, roots) : ''}
    ${
      runs.length === 0
        ? html`<div class="empty">
            <p>${states.length === 0 && root === null ? 'There is no run yet.' : 'Nothing here matches.'}</p>
          </div>`
        : runTable(runs, nowMs, 'Runs, newest first')
    }
    ${
      after === null && next === null
        ? ''
        : html`<nav aria-label="Pages">
            <ul class="pager">
              ${after === null ? '' : html`<li><a href="${turnPath({ ...turn, after: null })}">First page</a></li>`}
              ${
                next === null
                  ? html`<li class="hint">These are the last.</li>`
                  : html`<li><a href="${turnPath({ ...turn, after: next })}" rel="next">Next page</a></li>`
              }
            </ul>
          </nav>`
    }`;
}

function filter(turn: Turn, counts: ListPage['counts']): Markup {
  const isChosen = (states: readonly ShownState[]): boolean =>
    states.length === turn.states.length && states.every((state) => turn.states.includes(state));
  const choice = (states: readonly ShownState[], words: string) => {
    const sum = (states.length === 0 ? shownStates : states).reduce(
      (total, state) => total + (counts[state] ?? 0),
      0,
    );
    return html`<li>
      <a
        href="${turnPath({ ...turn, states, after: null })}"
        ${isChosen(states) ? html`aria-current="true"` : ''}
        >${words} ${turn.root === null ? html`<span class="count">${count(sum)}</span>` : ''}</a
      >
    </li>`;
  };
  const there = shownStates.filter((state) => (counts[state] ?? 0) > 0 || turn.states.includes(state));
  return html`<nav aria-label="Filter by state">
    <ul class="filter">
      ${choice([], 'all')} ${choice(needsPerson, 'need a person')}
      ${there.map((state) => choice([state], state))}
    </ul>
  </nav>`;
}

function rootFilter({ states, root }: Turn, roots: readonly string[]): Markup {
  return html`<form class="filters" method="get" action="/runs">
    ${states.map((state) => html`<input type="hidden" name="state" value="${state}" />`)}
    <label
      >Drop root
      <select name="root">
        <option value="">all</option>
        ${roots.map((name) => html`<option ${name === root ? html`selected` : ''}>${name}</option>`)}
      </select>
    </label>
    <button class="quiet">Show</button>
  </form>`;
}
