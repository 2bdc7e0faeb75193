/**
 * `scan --dry-run`: what would be tracked, what not, and why. There may be years of runs, so nothing is kept but the
 * first few folders and the totals; JSON is written as it comes.
 */
import type { PreviewLine } from '../../http/operations.ts';
import { Progress } from '../progress.ts';
import { columns, printable } from '../words.ts';

/** Up to so many folders are named one by one; of more, there are totals with an example each. */
const namedMax = 40;
/** Kinds of reasons that are told apart; what a solver writes into its files must not fill the memory. */
const kindsMax = 200;

interface Total {
  readonly drop_root: string;
  readonly verdict: string;
  readonly reason: string;
  folders: number;
  readonly example: string;
}

type FolderLine = Extract<PreviewLine, { kind: 'folder' }>;
type RootLine = Extract<PreviewLine, { kind: 'root' }>;

export interface DryRun {
  readonly roots: readonly RootLine[];
  readonly needsPerson: number;
  readonly hasRejected: boolean;
  /** The table for people. */
  text(): string;
}

/** @param json whether folders go to stdout as JSON as they come, with everything else after them */
export async function dryRunOf(lines: AsyncIterable<PreviewLine>, json: boolean): Promise<DryRun> {
  const roots: RootLine[] = [];
  const named: FolderLine[] = [];
  const totals = new Map<string, Total>();
  let folders = 0;
  let wanted = 0;
  let needsPerson = 0;
  let hasRejected = false;
  const progress = new Progress('looking at the drop roots');
  if (json) process.stdout.write('{\n  "dry_run": true,\n  "folders": [');
  for await (const line of lines) {
    switch (line.kind) {
      case 'progress':
        progress.tell(
          `${String(line.looked)} of ${String(line.of)} folder(s) looked at`,
          line.looked / line.of,
        );
        break;
      case 'root':
        roots.push(line);
        break;
      case 'end':
        needsPerson = line.needs_person;
        break;
      case 'folder': {
        if (json) await write(`${folders === 0 ? '' : ','}\n    ${JSON.stringify(withoutKind(line))}`);
        folders += 1;
        hasRejected ||= line.verdict === 'rejected';
        add(totals, line);
        // Of what nobody wants, a total and an example are enough.
        if (line.verdict === 'ignored') break;
        wanted += 1;
        if (named.length < namedMax) named.push(line);
      }
    }
  }
  progress.end();
  const all = [...totals.values()].sort((a, b) => b.folders - a.folders);
  if (json) {
    const rest = {
      drop_roots: roots.map(withoutKind),
      totals: all,
      needs_person: needsPerson,
    };
    await write(`${folders === 0 ? '' : '\n  '}],\n${JSON.stringify(rest, null, 2).slice(2)}\n`);
  }
  return { roots, needsPerson, hasRejected, text: () => textOf(roots, named, all, wanted) };
}

/** The kind tells lines apart on their way, and is no part of what is shown. */
function withoutKind(line: PreviewLine): object {
  return Object.fromEntries(Object.entries(line).filter(([key]) => key !== 'kind'));
}

function add(totals: Map<string, Total>, { drop_root, verdict, reason, folder }: FolderLine): void {
  // "line 17" and "line 18" are one reason.
  let key = `${drop_root} ${verdict} ${reason.replaceAll(/\d+/g, '#')}`;
  let shown = reason;
  if (!totals.has(key) && totals.size >= kindsMax) {
    key = `${drop_root} ${verdict}`;
    shown = 'other reasons';
  }
  const total = totals.get(key);
  if (total === undefined)
    totals.set(key, { drop_root, verdict, reason: shown, folders: 1, example: folder });
  else total.folders += 1;
}

function textOf(
  roots: readonly RootLine[],
  named: readonly FolderLine[],
  totals: readonly Total[],
  folders: number,
): string {
  const lines = roots.flatMap(({ name, problem, folders: count, known, ignored }) => {
    const more = ignored === 0 ? '' : `; ${String(ignored)} more are ignored`;
    const counted = `drop root ${name}: ${String(count + known)} folder(s), of which ${String(known)} are runs already${more}`;
    if (problem === null) return [counted];
    return [...(count + known + ignored === 0 ? [] : [counted]), `drop root ${name}: ${printable(problem)}`];
  });
  if (folders === 0) lines.push('Nothing would be tracked.');
  if (totals.length === 0) return lines.join('\n');
  if (folders > 0 && folders <= namedMax) {
    const rows = named.map(({ verdict, folder, reason }) => [verdict, printable(folder), printable(reason)]);
    lines.push('', columns(['verdict', 'folder', 'why'], rows));
  }
  const rows = totals.map(({ verdict, folders: count, reason, example }) => [
    verdict,
    String(count),
    printable(reason),
    printable(example),
  ]);
  lines.push('', columns(['verdict', 'folders', 'why', 'for example'], rows));
  if (folders > namedMax) lines.push('', 'With --json each of them is named.');
  return lines.join('\n');
}

/** Waits for whoever reads, so that what is not read yet does not pile up. */
async function write(text: string): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise<void>((resolve) => void process.stdout.once('drain', resolve));
}
