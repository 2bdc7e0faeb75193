/**
 * The parts of the overview. Each is rendered by itself, so that the stream sends only those that changed. What is in them
 * is found out once for all who look.
 */
import { html } from 'hono/html';
import { needsPerson, type ShownState } from '../../core/run.ts';
import { ago, count, mark, moment, visible, type Markup } from '../../markup/wording.ts';
import { narrowedText } from '../narrowedText.ts';
import type { RunView, StatusView } from '../operations.ts';
import { fieldsOf, storyPath, turnPath } from './paths.ts';
import { daysPicture, recentPicture, type DayOfRuns } from './pictures.ts';
import type { RecentOfRoot } from './questions.ts';
import { runTable } from './runTable.ts';

export interface Overview {
  readonly status: StatusView;
  readonly underWay: readonly RunView[];
  readonly settling: readonly RunView[];
  readonly newest: readonly RunView[];
  /** Oldest first, today the last. */
  readonly days: readonly DayOfRuns[];
  /** Newest first, of each root that is shown. */
  readonly recent: readonly RecentOfRoot[];
  readonly nowMs: number;
}

/** More roots are in `status` and in the list; a page of pictures of all of them helps nobody. */
export const rootsPicturedMax = 8;
const rootsShownMax = 100;
/** `status` names more of them; the list has all. */
const asksShownMax = 10;

export const sectionNames = ['health', 'road', 'asks', 'pictures', 'underWay', 'roots', 'newest'] as const;
export type SectionName = (typeof sectionNames)[number];
export type Sections = Readonly<Record<SectionName, string>>;

/** What a stranger sees: nothing in it tells of contents, names or paths. */
export function strangersView({ healthy, problems, counts }: StatusView): Markup {
  return html`<div class="verdict ${healthy ? '' : 'ill'}">
      <div>
        <h1>${healthy ? 'It works' : 'Something is wrong'}</h1>
        <p>
          ${
            healthy
              ? 'No problem is known.'
              : `${count(problems.length)} ${problems.length === 1 ? 'problem' : 'problems'}, shown to those who have access.`
          }
        </p>
      </div>
    </div>
    ${roadOf(counts, false)}`;
}

export function overviewOf(seen: Overview): Readonly<Record<SectionName, Markup | ''>> {
  return {
    health: health(seen),
    road: roadOf(seen.status.counts, true),
    asks: asks(seen),
    pictures: pictures(seen),
    underWay: underWay(seen),
    roots: roots(seen),
    newest: newest(seen),
  };
}

function health({ status, nowMs }: Overview): Markup {
  const { healthy, problem_reasons: problems, waiting_since: since, platform } = status;
  const narrowed = narrowedText(platform.budget);
  const asking = needsPerson.reduce((sum, state) => sum + (status.counts[state] ?? 0), 0);
  const moving =
    since === null ? 'Nothing waits.' : `The oldest on its way began ${ago(nowMs - Date.parse(since))}.`;
  return html`<div class="verdict ${healthy ? '' : 'ill'}">
    <div>
      <h1>${headline(healthy, asking)}</h1>
      ${
        healthy
          ? html`<p>${moving} The platform (${platform.kind}) answers.</p>`
          : html`<ul>
                ${problems.map(({ text }) => html`<li><bdi>${visible(text)}</bdi></li>`)}
              </ul>
              ${explained(problems)}`
      }
      ${narrowed === null ? '' : html`<p>Now ${narrowed}.</p>`}
    </div>
  </div>`;
}

/** What to type to understand, once for each class. */
function explained(problems: StatusView['problem_reasons']): Markup {
  const classes = [...new Set(problems.map((problem) => problem.class))];
  return html`<p class="hint">
    What it means, and what to type:
    ${classes.map((name, at) => html`${at === 0 ? '' : ', '}<code>runtrackd explain ${name}</code>`)}
  </p>`;
}

function headline(isHealthy: boolean, asking: number): string {
  if (!isHealthy) return 'Something is wrong';
  if (asking === 0) return 'Everything moves';
  return `Everything moves, and ${count(asking)} ${asking === 1 ? 'needs' : 'need'} you`;
}

interface Stop {
  readonly words: string;
  readonly states: readonly ShownState[];
  readonly asks?: boolean;
}

const stops: readonly Stop[] = [
  { words: 'need a person', states: needsPerson, asks: true },
  { words: 'being written', states: ['settling'] },
  { words: 'wait to be sent', states: ['queued', 'uploaded'] },
  { words: 'on the way back', states: ['intended', 'unknown', 'tracked', 'final'] },
  { words: 'recorded', states: ['recorded'] },
];

function roadOf(counts: StatusView['counts'], isMember: boolean): Markup {
  return html`<ul class="road" aria-label="Counts">
    ${stops.map(({ words, states, asks: isAsk = false }) => {
      const sum = states.reduce((total, state) => total + (counts[state] ?? 0), 0);
      const said = html`<span class="figure">${count(sum)}</span> <span class="words">${words}</span>`;
      const path = turnPath({ states, root: null, after: null });
      return html`<li class="${isAsk && sum > 0 ? 'asks' : ''}">
        ${isMember ? html`<a href="${path}">${said}</a>` : said}
      </li>`;
    })}
  </ul>`;
}

function asks({ status, nowMs }: Overview): Markup | '' {
  const all = status.needs_person;
  if (all.length === 0) return '';
  return html`<h2>Needs you</h2>
    <ul class="cards">
      ${all.slice(0, asksShownMax).map((run) => ask(run, nowMs))}
    </ul>
    ${
      all.length > asksShownMax
        ? html`<p class="hint">
            These are ${count(asksShownMax)}.
            <a href="${turnPath({ states: needsPerson, root: null, after: null })}">All that need you</a>
          </p>`
        : ''
    }`;
}

function ask(run: RunView, nowMs: number): Markup {
  return html`<li>
    <h3>
      <a href="${storyPath(run)}"><bdi>${nameOf(run)}</bdi></a> ${mark(run.state)}
    </h3>
    <p><bdi>${visible(run.reason?.text ?? '')}</bdi></p>
    ${run.hint === null ? '' : html`<p class="hint"><bdi>${visible(run.hint)}</bdi></p>`}
    <p class="hint">In <bdi>${run.drop_root}</bdi>, since ${moment(Date.parse(run.since), nowMs)}</p>
    ${buttons(run)}
  </li>`;
}

/** Links to the page on which it is confirmed: nothing is changed by a link. */
export function buttons(run: RunView): Markup | '' {
  const words = answersTo(run.state);
  if (words.length === 0) return '';
  return html`<div class="buttons">
    ${words.map(
      (word) =>
        html`<a
          class="${word === 'retry' ? 'strong' : 'quiet'}"
          href="/confirm?${new URLSearchParams({ word, ...fieldsOf(run) }).toString()}"
          id="${word}-${run.run ?? run.folder}"
          >${word === 'retry' ? 'Retry' : 'Skip'}<span class="unseen"> ${nameOf(run)}</span></a
        >`,
    )}
  </div>`;
}

export function answersTo(state: ShownState): readonly ('retry' | 'skip')[] {
  if (state === 'parked' || state === 'rejected') return ['retry', 'skip'];
  if (state === 'overdue') return ['skip'];
  return state === 'skipped' ? ['retry'] : [];
}

function pictures({ days, recent }: Overview): Markup {
  return html`<div class="pictures">
    <section aria-labelledby="days">
      <h2 id="days">The last two weeks</h2>
      ${daysPicture(days)}
    </section>
    ${recent.map(
      ({ root, runs }, at) =>
        html`<section aria-labelledby="recent-${at}">
          <h2 id="recent-${at}">Last runs of <bdi>${root}</bdi></h2>
          ${recentPicture(root, runs.toReversed())}
        </section>`,
    )}
  </div>`;
}

function underWay({ status, underWay: runs, settling, nowMs }: Overview): Markup {
  const waiting = [...runs, ...settling];
  const { platform, results } = status;
  const paused = [
    ...(platform.reason === null ? [] : [platform.reason]),
    ...(platform.storage.reason === null ? [] : [platform.storage.reason]),
    ...(results.reason === null ? [] : [results.reason]),
    ...platform.apps.map(({ reason }) => reason),
  ];
  return html`<h2>Under way</h2>
    ${paused.map((why) => html`<p class="problem"><bdi>${visible(why)}</bdi></p>`)}
    ${
      waiting.length === 0
        ? html`<div class="empty">
            <p>Nothing is under way. A run folder that is put into a drop root shows here.</p>
          </div>`
        : runTable(waiting, nowMs, 'Runs and folders under way')
    }`;
}

function roots({ status: { drop_roots: all }, nowMs }: Overview): Markup {
  return html`<h2>Drop roots</h2>
    <div class="wide" tabindex="0" role="region" aria-label="Drop roots">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">Drop root</th>
            <th scope="col">Looked at</th>
            <th scope="col" class="roomy">Watched by</th>
            <th scope="col" class="roomy number">Being written</th>
            <th scope="col" class="roomy number">Overdue</th>
            <th scope="col" class="roomy">History</th>
          </tr>
        </thead>
        <tbody>
          ${all.slice(0, rootsShownMax).map(
            (root) =>
              html`<tr>
                <th scope="row">
                  <a href="${turnPath({ states: [], root: root.name, after: null })}"
                    ><bdi>${root.name}</bdi></a
                  >
                  <span class="hint id"><bdi>${visible(root.path)}</bdi></span>
                  ${root.problem === null ? '' : html`<span class="why"><bdi>${visible(root.problem)}</bdi></span>`}
                </th>
                <td>${root.last_scan === null ? 'not yet' : ago(nowMs - Date.parse(root.last_scan))}</td>
                <td class="roomy">${watchedBy(root.hints)}</td>
                <td class="roomy number">${count(root.settling)}</td>
                <td class="roomy number">${count(root.overdue)}</td>
                <td class="roomy">${backfill(root.backfill)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${all.length > rootsShownMax ? html`<p class="hint">These are the first ${count(rootsShownMax)} of ${count(all.length)}.</p>` : ''}`;
}

function watchedBy(hints: StatusView['drop_roots'][number]['hints']): string {
  return hints === 'scan-only' ? 'scans' : 'events and scans';
}

function backfill({ waiting, eta }: StatusView['drop_roots'][number]['backfill']): string {
  if (waiting === 0) return 'none waits';
  return `${count(waiting)} wait${eta === null ? '' : `, until about ${eta.slice(0, 16).replace('T', ' ')}`}`;
}

function newest({ newest: runs, nowMs }: Overview): Markup | '' {
  if (runs.length === 0) return '';
  return html`<h2>Newest runs</h2>
    ${runTable(runs, nowMs, 'Newest runs')}
    <p><a href="/runs">All runs</a></p>`;
}

export function nameOf({ folder, run }: RunView): string {
  const name = visible(folder.split('/').at(-1) ?? folder);
  return run === null ? name : `#${run} ${name}`;
}
