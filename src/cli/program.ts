/** The program: its commands, and how each way of ending becomes an exit code. */
import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { answerCommand } from './commands/answer.ts';
import { backupCommand, restoreCommand } from './commands/backup.ts';
import { checkConfigCommand } from './commands/checkConfig.ts';
import { completionCommand } from './commands/completion.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { initCommand } from './commands/init.ts';
import { listCommand } from './commands/list.ts';
import { parseLogCommand } from './commands/parseLog.ts';
import { platformCommand } from './commands/platform.ts';
import { asFailure, runCommand } from './commands/run.ts';
import { reloadCommand } from './commands/reload.ts';
import { scanCommand } from './commands/scan.ts';
import { showCommand } from './commands/show.ts';
import { statusCommand } from './commands/status.ts';
import { systemdUnitCommand } from './commands/systemdUnit.ts';
import { trackCommand } from './commands/track.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { helpTail, manual } from './manual.ts';
import { describeError } from '../system/log.ts';
import { programVersion } from '../system/programVersion.ts';

export function program() {
  const top = new Command('runtrackd')
    .description('Tracks run folders of legacy optimisation solvers on the Nextmv Platform.')
    .version(programVersion(), '--version')
    .showHelpAfterError('(-h shows what there is)')
    .showSuggestionAfterError();
  for (const command of [
    runCommand(),
    trackCommand(),
    statusCommand(),
    listCommand(),
    showCommand(),
    answerCommand('retry'),
    answerCommand('skip'),
    scanCommand(),
    reloadCommand(),
    backupCommand(),
    restoreCommand(),
    initCommand(),
    checkConfigCommand(),
    doctorCommand(),
    explainCommand(),
    systemdUnitCommand(),
    parseLogCommand(),
    platformCommand(),
    completionCommand(() => top),
  ]) {
    top.addCommand(explained(command).copyInheritedSettings(top));
  }
  // Commander would exit with 1 for wrong usage; ours is 2, and 1 means that it was tried and failed.
  for (const command of [top, ...top.commands]) command.exitOverride();
  return top;
}

/** What the manual says of the command; a test asks whether every command has an entry. */
function explained<C extends CommandUnknownOpts>(command: C): C {
  const entry = manual[command.name()];
  if (entry === undefined) return command;
  command.summary(entry.summary).description(`${capital(entry.summary)}. ${entry.description}`);
  command.addHelpText('after', helpTail(command.name()));
  return command;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** What serves goes on when nobody reads what it says. */
const serving: readonly (string | undefined)[] = ['run', 'platform'];

/** @param argv the arguments after the program's name */
export async function runProgram(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // Whoever read the results (`… | head`) has what it wanted.
    if (!serving.includes(argv[0])) process.exit();
  });
  try {
    await program().parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = exitCodeOf(asFailure(error));
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CommandFailure) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(
    `runtrackd met an error that nobody foresaw: ${JSON.stringify(describeError(error), null, 2)}\n`,
  );
  return exitCodes.failed;
}
