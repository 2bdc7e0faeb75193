/** The programs that an installation needs. All that are missing are named at once, with the packages that have them. */
import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';

const tools = [
  { what: 'npm', commands: ['npm'], debian: 'npm', fedora: 'nodejs-npm' },
  { what: 'python3', variable: 'PYTHON', commands: ['python3'], debian: 'python3', fedora: 'python3' },
  { what: 'make', variable: 'MAKE', commands: ['make'], debian: 'make', fedora: 'make' },
  {
    what: 'a C++ compiler',
    variable: 'CXX',
    commands: ['g++', 'c++', 'clang++'],
    debian: 'g++',
    fedora: 'gcc-c++',
  },
];

export function describeMissingTools(environment) {
  const missing = tools.filter((tool) => findTool(tool, environment) === undefined);
  if (missing.length === 0) return undefined;
  const rows = missing.map(({ what, debian, fedora }) => `  ${what.padEnd(16)}${debian.padEnd(18)}${fedora}`);
  return [
    'To install its dependencies (SQLite is compiled on this machine), runtrackd needs tools that are missing here:',
    `  ${''.padEnd(16)}${'Debian, Ubuntu'.padEnd(18)}Fedora`,
    ...rows,
    `Install them with: apt-get install ${missing.map(({ debian }) => debian).join(' ')}`,
    `               or: dnf install ${missing.map(({ fedora }) => fedora).join(' ')}`,
  ].join('\n');
}

/** How to start npm: the one that started us, else the one on the path. */
export function npmCommand(environment) {
  const script = environment.npm_execpath ?? '';
  if (basename(script) === 'npm-cli.js' && isFile(script)) return [process.execPath, script];
  return [findCommand('npm', environment)];
}

/** make takes g++ for granted; where the compiler has another name, it has to be told. */
export function compilerVariable(environment) {
  const compiler = findTool(tools[3], environment);
  return compiler === undefined || basename(compiler) === 'g++' ? {} : { CXX: compiler };
}

function findTool({ what, variable, commands }, environment) {
  if (what === 'npm') return npmCommand(environment)[0];
  // A variable may hold arguments as well ("ccache g++"): its first word is the program.
  const named = variable === undefined ? '' : (environment[variable] ?? '').trim();
  if (named !== '') return findCommand(named.split(/\s+/)[0], environment) && named;
  return commands.map((command) => findCommand(command, environment)).find((found) => found !== undefined);
}

function findCommand(command, environment) {
  if (command.includes('/')) return isExecutable(command) ? command : undefined;
  const directories = (environment.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => join(directory, command)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
