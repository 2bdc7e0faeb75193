/** `init`: a commented configuration for this machine. It asks on a terminal, takes flags, and finds out the rest. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { constants, existsSync } from 'node:fs';
import { access, chmod, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { describeProblem, loadConfig } from '../../config/config.ts';
import { findApiKey } from '../../config/apiKey.ts';
import { hostProblem } from '../../config/names.ts';
import { appIdPattern } from '../../core/appId.ts';
import { makeDirectories } from '../../system/directories.ts';
import { errorCode } from '../../system/files.ts';
import { jsonOption, printJson, say, tell } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { configText, type InitAnswers } from '../init/configText.ts';
import { layoutOf, sampleOf } from '../init/layout.ts';
import { TerminalQuestions } from '../terminalQuestions.ts';

const systemDir = '/etc/runtrackd';
const systemStateDir = '/var/lib/runtrackd';
const kinds = ['nextmv', 'stand-in'] as const;
type Kind = (typeof kinds)[number];

interface Given {
  readonly root?: string | undefined;
  readonly app?: string | undefined;
  readonly platform?: Kind | undefined;
  readonly keyFile?: string | undefined;
  readonly name?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly host?: string | undefined;
}

export const initCommand = () =>
  new Command('init')
    .argument('[dir]', 'where config.yaml is written', '.')
    .option('--root <dir>', 'the drop root: the directory that the solver leaves its run folders in')
    .option('--app <id>', 'the app on the platform that the runs belong to', parseApp)
    .addOption(new Option('--platform <kind>', 'where runs are sent').choices(kinds))
    .option('--key-file <file>', 'the file with the API key; else a systemd credential or $NEXTMV_API_KEY')
    .option('--name <name>', "the drop root's name; else the last part of its path")
    .option(
      '--state-dir <dir>',
      `the daemon's own directory; else ./state, or ${systemStateDir} for ${systemDir}`,
    )
    .option('--host <name>', "this machine's name on the platform; else the machine's own")
    .addOption(jsonOption())
    .action(async (dir, { json, ...given }) => {
      const directory = resolve(dir);
      const file = join(directory, 'config.yaml');
      if (existsSync(file)) throw alreadyThere(file);
      await assertMayWrite(file);
      const answers = await answersOf(given, directory);
      const layout = layoutOf(await sampleOf(answers.root));
      await writeNew(file, configText(answers, layout), directory);
      if (!existsSync(answers.root))
        tell(`${answers.root} is not there yet: make it before the daemon starts.`);
      if (json === true) printJson({ file, ...answers, layout });
      else say(`${file} is written. Next: runtrackd doctor -c ${file}`);
    });

function alreadyThere(file: string): CommandFailure {
  return new CommandFailure(
    exitCodes.failed,
    `${file} is there already, and is not overwritten. Edit it, or name another directory: runtrackd init DIR`,
  );
}

/** Nobody answers questions for nothing. */
async function assertMayWrite(file: string): Promise<void> {
  let there = dirname(file);
  while (!existsSync(there)) there = dirname(there);
  await access(there, constants.W_OK).catch((error: unknown) => {
    throw cannotBeWritten(file, String(errorCode(error)));
  });
}

function cannotBeWritten(file: string, code: string): CommandFailure {
  const next = code === 'EACCES' ? 'Run it with sudo, or name' : 'Name';
  return new CommandFailure(
    exitCodes.failed,
    `${file} cannot be written (${code}). ${next} another directory: runtrackd init DIR`,
  );
}

async function answersOf(given: Given, directory: string): Promise<InitAnswers> {
  const asked = process.stdin.isTTY && process.stderr.isTTY ? await ask(given) : given;
  const { root, app, platform, keyFile } = asked;
  const isKeyKnown = 'source' in findApiKey(null, process.env);
  const missing = [
    ...(root === undefined ? ['--root'] : []),
    ...(app === undefined ? ['--app'] : []),
    ...(platform === undefined ? ['--platform'] : []),
    ...(platform === 'nextmv' && keyFile === undefined && !isKeyKnown ? ['--key-file'] : []),
  ];
  if (root === undefined || app === undefined || platform === undefined || missing.length > 0) {
    throw new CommandFailure(
      exitCodes.usage,
      `there is no terminal to ask on: say ${missing.join(', ')} as well (runtrackd init -h)`,
    );
  }
  const host = asked.host ?? hostname();
  const problem = hostProblem(host);
  if (problem !== undefined)
    throw new CommandFailure(exitCodes.usage, `the machine's name ${problem}: give another one with --host`);
  const isSystem = directory === systemDir;
  return {
    root: resolve(root),
    rootName: asked.name ?? basename(resolve(root)),
    app,
    kind: platform,
    keyFile: platform === 'nextmv' && keyFile !== undefined ? resolve(keyFile) : null,
    stateDir:
      asked.stateDir === undefined ? (isSystem ? systemStateDir : './state') : resolve(asked.stateDir),
    host,
  };
}

/** Asks what was not given. */
async function ask(given: Given): Promise<Given> {
  const questions = new TerminalQuestions();
  const answer = (question: string, problemOf: ProblemOf): Promise<string> =>
    answerTo(questions, question, problemOf);
  try {
    const root = given.root ?? (await answer('Where does the solver leave its run folders? ', problemOfRoot));
    const platform =
      given.platform ??
      ((await answer('Where are runs sent, nextmv or stand-in (local, to try it)? ', (text) =>
        kinds.some((kind) => kind === text) ? null : 'Say nextmv or stand-in.',
      )) as Kind);
    const app =
      given.app ??
      (await answer('The id of the app on the platform: ', (text) =>
        appIdPattern.test(text) ? null : appIdForm(text),
      ));
    const needsKey =
      platform === 'nextmv' && given.keyFile === undefined && !('source' in findApiKey(null, process.env));
    const keyFile = needsKey
      ? await answer('The file with the API key (not the key itself): ', problemOfKeyFile)
      : given.keyFile;
    return { ...given, root, app, platform, keyFile };
  } finally {
    questions.close();
  }
}

type ProblemOf = (text: string) => string | null | Promise<string | null>;

async function answerTo(
  questions: TerminalQuestions,
  question: string,
  problemOf: ProblemOf,
): Promise<string> {
  for (;;) {
    const text = await questions.ask(question);
    if (text === null)
      throw new CommandFailure(exitCodes.usage, '\nThat was no answer; nothing was written.');
    const problem = text === '' ? 'An answer is needed.' : await problemOf(text);
    if (problem === null) return text;
    tell(problem);
  }
}

async function problemOfRoot(text: string): Promise<string | null> {
  const found = await stat(text).catch((error: unknown) => errorCode(error) ?? 'unknown');
  if (found === 'ENOENT') return null;
  if (typeof found === 'string') return `${text} cannot be looked at (${found}).`;
  return found.isDirectory() ? null : `${text} is not a directory.`;
}

async function problemOfKeyFile(text: string): Promise<string | null> {
  const found = await stat(text).catch(() => null);
  return found?.isFile() === true
    ? null
    : 'There is no such file: put the key there first, then say its path.';
}

/** Never over another file, and not left behind when the program itself would refuse it. */
async function writeNew(file: string, text: string, directory: string): Promise<void> {
  try {
    // Whatever the umask says: the daemon's user has to be able to enter it, and its group to read the file.
    if (makeDirectories(directory)) await chmod(directory, 0o755);
    await writeFile(file, text, { flag: 'wx', mode: 0o640 });
    await chmod(file, 0o640);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    // That code is also mkdir's, where a file has the directory's name.
    if (code === 'EEXIST' && existsSync(file)) throw alreadyThere(file);
    throw cannotBeWritten(file, code);
  }
  const loaded = loadConfig(file, process.env, hostname());
  if (loaded.ok) return;
  await rm(file);
  const problems = loaded.problems.map((problem) => describeProblem({ ...problem, file: '' }));
  throw new CommandFailure(exitCodes.failed, `nothing was written: ${problems.join('\n')}`);
}

function appIdForm(text: string): string {
  return `"${text}" is no app id: 3 to 30 of a-z, 0-9, "." and "-".`;
}

function parseApp(text: string): string {
  if (appIdPattern.test(text)) return text;
  throw new InvalidArgumentError(appIdForm(text));
}
