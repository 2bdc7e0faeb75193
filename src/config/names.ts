/**
 * The forms of names: of this host, of drop roots, apps, instances and files in a run folder. Host, root and app are part
 * of every run's identity, so what is let in here has to be good for ever.
 */
import picomatch from 'picomatch';
import { z } from 'zod';
import { appIdPattern } from '../core/appId.ts';
import { leftOutOfArchives } from '../core/content.ts';
import { isOwnFile } from '../core/ownFiles.ts';

/** Names that every machine has, or that say nothing about which machine it is. */
const namesOfNoHost = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost4',
  'localhost4.localdomain4',
  'localhost6',
  'localhost6.localdomain6',
  'ip6-localhost',
  'ip6-loopback',
]);

const globCharacters = /[*?[\]{}]/;
/** More than anybody writes by hand, and each is asked of every name. */
const patternsMax = 100;

/** Why a name cannot be this host's, or `undefined` when it can. */
export function hostProblem(host: string): string | undefined {
  if (host === '' || namesOfNoHost.has(host.toLowerCase()) || /^127\.\d+\.\d+\.\d+$/.test(host))
    return `${JSON.stringify(host)} does not tell this machine from others: set host to a name of its own, for example planner-03`;
  if (Buffer.byteLength(host) > 63)
    return `${JSON.stringify(host)} is longer than 63 bytes: set host to a shorter name`;
  if (!/^[A-Za-z0-9._-]+$/.test(host))
    return `${JSON.stringify(host)} has characters other than letters, digits, dot, dash and underscore: set host to a name without them`;
  return undefined;
}

export const hostName = z.string().superRefine((host, context) => {
  const problem = hostProblem(host);
  if (problem !== undefined) context.addIssue(problem);
});

export const groupName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/,
    'is no name of a group: letters, digits, dots, dashes, underscores',
  );

export const rootName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'a name has 1 to 64 letters, digits, dots, dashes and underscores');

export const appId = z
  .string()
  .regex(
    appIdPattern,
    "an app's id has 3 to 30 lowercase letters, digits, dots and dashes, and begins and ends with a letter or digit",
  );

export const instanceId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    "an instance's id has 1 to 128 letters, digits, dots, dashes and underscores",
  );

/** The name of one file in a run folder. */
export const fileName = z
  .string({
    error: ({ input }) => (Array.isArray(input) ? 'expected the name of one file, not a list' : undefined),
  })
  .superRefine((name, context) => {
    const problem = fileNameProblem(name);
    if (problem !== undefined) context.addIssue(problem);
  });

export const metaFileName = fileName.endsWith('.json', 'the name must end in .json');

/** The log: a name, or a glob that one file matches. */
export const logFileName = z.string().superRefine((name, context) => {
  const problem = globCharacters.test(name) ? globProblem(name) : fileNameProblem(name);
  if (problem !== undefined) context.addIssue(problem);
});

/** Input or output: a name, a directory, a glob, or a list of these. */
export const documentFiles = z
  .union([z.string(), z.array(z.string())], {
    error: ({ input }) =>
      input === undefined ? undefined : 'expected a name, a glob, or a list of names and globs',
  })
  .superRefine((wanted, context) => {
    if (typeof wanted === 'string') {
      const problem = documentProblem(wanted);
      if (problem !== undefined) context.addIssue(problem);
      return;
    }
    if (wanted.length === 0) context.addIssue('must name at least one file');
    if (wanted.length > patternsMax)
      context.addIssue(`must have at most ${String(patternsMax)} names and globs`);
    for (const [index, text] of wanted.slice(0, patternsMax).entries()) {
      const isTwice = wanted.indexOf(text) < index;
      const problem = isTwice ? `${JSON.stringify(text)} is given twice` : documentProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: [index] });
    }
  });

function documentProblem(text: string): string | undefined {
  const name = text.replace(/\/$/, '');
  if (text.startsWith('/'))
    return `${JSON.stringify(text)} is an absolute path: give what is found in each run folder`;
  if (name.split('/').includes('..')) return `${JSON.stringify(text)} leads out of the run folder`;
  if (name.includes('/'))
    return `${JSON.stringify(text)} lies below a directory: name the directory, ${JSON.stringify(`${name.split('/')[0] ?? ''}/`)}, and everything in it is taken`;
  if (name === leftOutOfArchives)
    return `${JSON.stringify(text)} is in no archive, because the official SDK leaves out what is called like this: give the file another name`;
  return globCharacters.test(name) ? globProblem(name) : fileNameProblem(name);
}

function globProblem(glob: string): string | undefined {
  if (/[\p{Cc}/\\]/u.test(glob)) return `${JSON.stringify(glob)} is not a glob for names in the run folder`;
  if (glob.startsWith('!')) return `${JSON.stringify(glob)}: what is not wanted belongs into ignore`;
  if (Buffer.byteLength(glob) > 255) return 'the glob is longer than 255 bytes';
  try {
    picomatch.makeRe(glob, { noextglob: true, strictBrackets: true });
  } catch {
    return `${JSON.stringify(glob)} is no glob: a bracket is not closed`;
  }
  return undefined;
}

function fileNameProblem(name: string): string | undefined {
  if (name === '') return 'a file needs a name';
  if (/[\p{Cc}/\\]/u.test(name) || name === '.' || name === '..')
    return `${JSON.stringify(name)} is not the plain name of a file in the run folder`;
  if (globCharacters.test(name)) return `${JSON.stringify(name)} has wildcards: give the name of one file`;
  if (Buffer.byteLength(name) > 255) return 'the name is longer than 255 bytes';
  if (isOwnFile(name)) return `${JSON.stringify(name)} is a name that the daemon writes under itself`;
  return undefined;
}
