/** `scan`: look now, at finished folders too. `--dry-run` says what would be tracked, what not, and why. */
import { Command } from '@commander-js/extra-typings';
import type { ScanLine, ScannedView } from '../../http/operations.ts';
import { configOption, jsonOption, printJson, say, withDaemon } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { Progress } from '../progress.ts';
import { dryRunOf } from './dryRun.ts';
import { columns, printable } from '../words.ts';

export const scanCommand = () =>
  new Command('scan')
    .argument('[root]', 'the name or path of one drop root')
    .option('--dry-run', 'say what would be tracked, what not, and why; change nothing')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (root, { config, dryRun, json }) => {
      await withDaemon(config, dryRun === true ? 'look' : 'change', async ({ operations }) => {
        const order = { root: root ?? null };
        if (dryRun === true) {
          const dry = await dryRunOf(operations.preview(order), json === true);
          if (json !== true) say(dry.text());
          if (dry.roots.some(({ problem }) => problem !== null)) process.exitCode = exitCodes.failed;
          else if (dry.needsPerson > 0 || dry.hasRejected) process.exitCode = exitCodes.needsPerson;
          return;
        }
        const scanned = await scannedOf(operations.scan(order), root ?? 'the drop roots');
        if (json === true) printJson(scanned);
        else say(scannedText(scanned));
        const isUnwell = scanned.drop_roots.some(({ problem }) => problem !== null);
        if (isUnwell) process.exitCode = exitCodes.failed;
        else if (scanned.needs_person > 0) process.exitCode = exitCodes.needsPerson;
      });
    });

async function scannedOf(lines: AsyncIterable<ScanLine>, what: string): Promise<ScannedView> {
  const progress = new Progress(`looking at ${what}`);
  try {
    for await (const line of lines) {
      if (line.kind === 'end') return line.scanned;
      progress.tell(`looking at ${line.drop_root}: ${String(Math.floor(line.part * 100))} %`, line.part);
    }
  } finally {
    progress.end();
  }
  throw new CommandFailure(exitCodes.unreachable, 'the daemon ended before it had answered');
}

function scannedText({ drop_roots: roots, folders }: ScannedView): string {
  const lines = roots.map(({ name, folders: count, problem }) => {
    if (problem !== null) return `drop root ${name}: ${printable(problem)}`;
    return `drop root ${name}: ${String(count)} folder(s) looked at`;
  });
  if (folders.length > 0) {
    lines.push(
      '',
      columns(
        ['verdict', 'folder', 'why'],
        folders.map(({ verdict, folder, reason, run }) => [
          verdict,
          printable(folder),
          printable(run === null ? reason : `${reason} (run #${String(run)})`),
        ]),
      ),
    );
  } else lines.push('Nothing new.');
  return lines.join('\n');
}
