/** `retry` and `skip`: a person's answer to what is parked or rejected. */
import { Command } from '@commander-js/extra-typings';
import type { AnsweredView } from '../../http/operations.ts';
import { configOption, jsonOption, printJson, say, selectorOf, tell, withDaemon } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { TerminalQuestions } from '../terminalQuestions.ts';
import { coloured, columns, printable } from '../words.ts';

const done = { retry: 'goes on', skip: 'is skipped' } as const;

export const answerCommand = (word: 'retry' | 'skip') =>
  new Command(word)
    .argument('[runs...]', "paths, folders' names, or '#42'")
    .option('--all', 'everything that waits for an answer')
    .option('--reason <class>', 'everything with this class of reason, as `list --json` shows it')
    .option('--root <name>', 'only of this drop root')
    .option('--dry-run', 'say what it would be, and change nothing')
    .option('--yes', 'do not ask first: with --all, --reason or --root it is asked on a terminal')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (runs, { config, all, reason, root, dryRun, yes, json }) => {
      if (runs.length === 0 && all !== true && reason === undefined && root === undefined) {
        throw new CommandFailure(
          exitCodes.usage,
          `say which runs to ${word}: names, --reason CLASS, --root NAME or --all`,
        );
      }
      if (runs.length > 0 && all === true)
        throw new CommandFailure(exitCodes.usage, 'say either names or --all');
      await withDaemon(config, 'change', async ({ operations, isDaemon }) => {
        const order = {
          word,
          selectors: runs.map((text) => selectorOf(text)),
          all: all === true,
          reason: reason ?? null,
          root: root ?? null,
          dryRun: dryRun === true,
        };
        // Many at once, and somebody is there who may not have meant as many.
        const isAsked =
          runs.length === 0 && dryRun !== true && yes !== true && process.stdin.isTTY && process.stderr.isTTY;
        if (isAsked && !(await isMeant(await operations.answer({ ...order, dryRun: true })))) {
          tell('Nothing was changed.');
          process.exitCode = exitCodes.failed;
          return;
        }
        const answered = await operations.answer(order);
        if (json === true) printJson(answered);
        else say(answeredText(answered, word, isDaemon));
        for (const { run, why } of answered.left_alone)
          tell(`${printable(run.folder)} was left alone: ${why}`);
        if (answered.left_alone.length > 0 && answered.runs.length === 0) process.exitCode = exitCodes.failed;
      });
    });

/** Shows what it would be, and asks. */
async function isMeant(would: AnsweredView): Promise<boolean> {
  const count = would.runs.length + would.more;
  if (count === 0) return true;
  tell(tableOf(would));
  const questions = new TerminalQuestions();
  try {
    const answer = await questions.ask(`All ${String(count)} of them? [y/N] `);
    // The question's line is still open.
    if (answer === null) tell('');
    return /^y(es)?$/i.test(answer ?? '');
  } finally {
    questions.close();
  }
}

function answeredText(answered: AnsweredView, word: 'retry' | 'skip', isDaemon: boolean): string {
  const { runs, more, dry_run: isDryRun } = answered;
  if (runs.length === 0)
    return isDryRun ? `Nothing would ${word === 'retry' ? 'go on' : 'be skipped'}.` : 'Nothing was changed.';
  const count = `${String(runs.length + more)} ${runs.length + more === 1 ? done[word] : done[word].replace(/^goes/, 'go').replace(/^is/, 'are')}`;
  const head = isDryRun
    ? `Would ${word}, without --dry-run:`
    : `${count}${isDaemon || word === 'skip' ? '' : ' when the daemon runs'}:`;
  return `${head}\n${tableOf(answered)}`;
}

function tableOf({ runs, more }: AnsweredView): string {
  const rows = runs.map((run) => [
    run.run === null ? '' : `#${String(run.run)}`,
    coloured(run.state),
    printable(run.folder),
    printable(run.reason?.text ?? ''),
  ]);
  const rest = more === 0 ? '' : `\nand ${String(more)} more`;
  return `${columns(['run', 'state', 'folder', 'reason'], rows)}${rest}`;
}
