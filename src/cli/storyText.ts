/** A run's story in sentences, with the times of whoever reads it, and what comes next. Pure. */
import prettyMs from 'pretty-ms';
import { isShownState, type ShownState } from '../core/run.ts';
import type { RunStory } from '../http/operations.ts';
import { printable } from './words.ts';

/** What the run itself does not say. */
export interface Telling {
  readonly nowMs: number;
  /** Undefined: the reader's own. */
  readonly timeZone: string | undefined;
  /** Without a daemon nothing comes next by itself. */
  readonly isDaemon: boolean;
  /** Why nothing is delivered, to the platform or to its app; null: it is. */
  readonly paused: string | null;
  /** What to type to understand; empty: there is no entry. */
  readonly explain: string;
}

/** What a story is told from. */
export type Told = Pick<
  RunStory,
  | 'run'
  | 'folder'
  | 'state'
  | 'since'
  | 'due_at'
  | 'overdue_at'
  | 'reason'
  | 'hint'
  | 'archived_to'
  | 'history'
>;

/** Each happening as its local time and a sentence, the oldest first. */
export function storyLines({ history }: Told, { nowMs, timeZone }: Telling): [string, string][] {
  const lines: [string, string][] = [];
  let stateBefore: string | null = null;
  for (let index = 0; index < history.length;) {
    const entry = history[index];
    if (entry === undefined) break;
    let end = index + 1;
    while (history[end]?.state === entry.state && history[end]?.note === entry.note) end++;
    const last = history[end - 1] ?? entry;
    // What fails for three days says the same some hundred times.
    const times =
      end - index === 1
        ? ''
        : `, ${String(end - index)} times, the last at ${localTime(last.at, nowMs, timeZone)}`;
    const meaning = entry.state === stateBefore ? '' : meaningOf(entry.state);
    lines.push([localTime(entry.at, nowMs, timeZone), `${sentence(`${entry.note}${times}`)}${meaning}`]);
    stateBefore = entry.state;
    index = end;
  }
  return lines;
}

/** What the daemon does with a run in this state. */
const steps = {
  queued: 'its files are uploaded',
  uploaded: 'the platform is asked to make the run',
  intended: 'the platform’s answer, or else its list, tells whether the run was made',
  unknown: 'the platform’s list is searched for its fingerprint',
  tracked: 'the platform is asked for the result',
} as const;

/** What happens next and when, or that nothing does, or what a person has to type. */
export function nextLines(story: Told, telling: Telling): string[] {
  const { state, reason, hint, archived_to: archivedTo } = story;
  const selector = story.run === null ? shellWord(story.folder) : `'#${String(story.run)}'`;
  const type = (word: string): string => `\`runtrackd ${word} ${selector}\``;
  const explain = telling.explain === '' ? [] : [`\`${telling.explain}\` says more.`];
  const needsYou = (what: string): string[] => [
    `It needs you: ${sentence(reason?.text ?? state)}`,
    ...(hint === null ? [] : [sentence(hint)]),
    what,
    ...explain,
  ];
  if (archivedTo !== undefined)
    return [`Nothing: it is done, and its folder is archived in ${printable(archivedTo)}.`];
  switch (state) {
    case 'queued':
    case 'uploaded':
    case 'intended':
    case 'unknown':
    case 'tracked': {
      // It goes on, and asks for a person all the same.
      const asked =
        reason === null ? [] : [`It needs you: ${sentence(reason.text)}`, ...(hint === null ? [] : [hint])];
      return [whenOf(steps[state], story, telling), ...asked];
    }
    case 'final':
      return [whenOf('the result is written back', story, telling)];
    case 'recorded':
      return ['Nothing: it is done.'];
    case 'parked':
      return needsYou(`Type ${type('retry')} to go on where it was, or ${type('skip')} to leave it.`);
    case 'rejected':
      return needsYou(
        `New content is looked at by itself. Type ${type('retry')} to have this looked at again, or ${type('skip')} to leave it.`,
      );
    case 'overdue':
      return needsYou(`It is tracked when it completes after all. Type ${type('skip')} if it never will.`);
    case 'settling':
      return [
        telling.isDaemon
          ? 'What happens next: it is tracked as soon as it is complete and quiet.'
          : 'What happens next: it is tracked as soon as it is complete and quiet, and the daemon runs again.',
        ...overdueLine(story, telling),
      ];
    case 'skipped':
      return [`Nothing, unless its content changes or you type ${type('retry')}.`, ...explain];
    case 'superseded':
      return ['Nothing: its folder is another run by now, of newer content or for another app.'];
    case 'gone':
      return [
        'Nothing: its folder vanished before it was sent. It goes on by itself if the folder comes back.',
        ...explain,
      ];
  }
}

function overdueLine({ overdue_at: overdueAt }: Told, { nowMs, timeZone, isDaemon }: Telling): string[] {
  if (overdueAt === null || !isDaemon || Date.parse(overdueAt) <= nowMs) return [];
  return [
    `If nothing moves in it until ${localTime(overdueAt, nowMs, timeZone)}, it is overdue and needs you.`,
  ];
}

function whenOf(step: string, { due_at: dueAt }: Told, telling: Telling): string {
  const { nowMs, timeZone, isDaemon, paused } = telling;
  const next = `What happens next: ${step}`;
  if (!isDaemon) return `${next}, as soon as the daemon runs again.`;
  if (dueAt === null) return `${next}, as soon as its folder is complete again.`;
  if (paused !== null) return `${next}, as soon as the pause is over. ${sentence(`It waits: ${paused}`)}`;
  const inMs = Date.parse(dueAt) - nowMs;
  const at = localTime(dueAt, nowMs, timeZone);
  if (inMs <= 0) return `${next}, now: it is due since ${at}, or under way.`;
  return `${next}, at ${at} (in ${prettyMs(Math.ceil(inMs / 1_000) * 1_000, { unitCount: 2 })}).`;
}

/** What it means that a run has come into a state; an unknown one is another version's. */
function meaningOf(state: string): string {
  if (!isShownState(state)) return '';
  const meaning = meanings[state];
  return meaning === '' ? '' : ` ${meaning}`;
}

const meanings: Readonly<Record<ShownState, string>> = {
  settling: '',
  overdue: 'Perhaps the solver died.',
  rejected: 'Waiting cannot mend that, so it is not sent.',
  queued: 'No run is made of it yet.',
  uploaded: 'The platform holds its files; no run is made of them yet.',
  intended: 'This was written down first, so that nobody asks a second time without looking.',
  unknown: 'It is not sent again before that is known.',
  tracked: 'It is one run on the platform, and its result is asked for.',
  final: 'On the platform it is settled; the result is still to be written back.',
  recorded: 'It is done.',
  parked: 'It was set aside for a person.',
  skipped: 'It is left as it is.',
  superseded: 'It is not sent; its folder is another run by now, of newer content or for another app.',
  gone: 'There is nothing to send.',
};

/** The time of day, and the day where it is another than today's. */
export function localTime(iso: string, nowMs: number, timeZone: string | undefined): string {
  const [day = '', time = ''] = local(Date.parse(iso), timeZone);
  const [today] = local(nowMs, timeZone);
  return day === today ? time : `${day} ${time}`;
}

function local(ms: number, timeZone: string | undefined): string[] {
  // Sweden writes 2026-01-31 14:03:22.
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone })
    .format(ms)
    .split(' ');
}

/** With a capital at its beginning, unless that is a file's name, and one full stop at its end. */
function sentence(text: string): string {
  const shown = printable(text.trim());
  const isWord = /^[a-z]+(?![\w./-])/.test(shown);
  const begun = isWord ? `${shown.charAt(0).toUpperCase()}${shown.slice(1)}` : shown;
  return `${begun}${/[.!?]$/.test(shown) ? '' : '.'}`;
}

/** As a shell takes it for one word. A name that cannot be shown is not one that can be typed. */
function shellWord(folder: string): string {
  const shown = printable(folder);
  return /^[\w/.,:@%+=-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}
