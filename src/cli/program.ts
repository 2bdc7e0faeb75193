/** The program: its commands, and how each way of ending becomes an exit code. */
import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { asFailure } from './asFailure.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { helpTail, manual } from './manual.ts';
import { describeError } from '../system/log.ts';
import { programVersion } from '../system/programVersion.ts';

/** Each is loaded by itself: whoever asks for the status does not wait for the daemon, the stand-in and their libraries. */
const commands: Readonly<Record<string, (top: Command) => Promise<CommandUnknownOpts>>> = {
  run: async () => (await import('./commands/run.ts')).runCommand(),
  track: async () => (await import('./commands/track.ts')).trackCommand(),
  status: async () => (await import('./commands/status.ts')).statusCommand(),
  list: async () => (await import('./commands/list.ts')).listCommand(),
  show: async () => (await import('./commands/show.ts')).showCommand(),
  retry: async () => (await import('./commands/answer.ts')).answerCommand('retry'),
  skip: async () => (await import('./commands/answer.ts')).answerCommand('skip'),
  scan: async () => (await import('./commands/scan.ts')).scanCommand(),
  reload: async () => (await import('./commands/reload.ts')).reloadCommand(),
  backup: async () => (await import('./commands/backup.ts')).backupCommand(),
  restore: async () => (await import('./commands/backup.ts')).restoreCommand(),
  init: async () => (await import('./commands/init.ts')).initCommand(),
  'check-config': async () => (await import('./commands/checkConfig.ts')).checkConfigCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  'systemd-unit': async () => (await import('./commands/systemdUnit.ts')).systemdUnitCommand(),
  'parse-log': async () => (await import('./commands/parseLog.ts')).parseLogCommand(),
  platform: async () => (await import('./commands/platform.ts')).platformCommand(),
  completion: async (top) => (await import('./commands/completion.ts')).completionCommand(() => top),
};
/** What these say is about all the others. */
const aboutAll = ['completion'];

/** @param only the one command that is wanted; without it, or where it is none, all of them */
export async function program(only?: string) {
  const top = new Command('runtrackd')
    .description('Tracks run folders of legacy optimisation solvers on the Nextmv Platform.')
    .version(programVersion(), '--version')
    .showHelpAfterError('(-h shows what there is)')
    .showSuggestionAfterError();
  const isAlone = only !== undefined && Object.hasOwn(commands, only) && !aboutAll.includes(only);
  const wanted = Object.entries(commands).filter(([name]) => !isAlone || name === only);
  for (const command of await Promise.all(wanted.map(([, load]) => load(top))))
    top.addCommand(explained(command).copyInheritedSettings(top));
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
  // What cannot be told there can be told nowhere, and what was done is done.
  process.stderr.on('error', () => undefined);
  try {
    await (await program(argv[0])).parseAsync([...argv], { from: 'user' });
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
