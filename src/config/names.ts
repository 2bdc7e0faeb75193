/**
 * The forms of names: of this host, of drop roots, apps, instances and files in a run folder. Host, root and app are part
 * of every run's identity, so what is let in here has to be good for ever.
 */
import { z } from 'zod';
import { appIdPattern } from '../core/appId.ts';
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
const noMultiFile =
  'multi-file input and output are not supported yet: give the name of one file, without wildcards and without / at the end';

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

/** Input or output: one file today; what a later version will understand is refused in so many words. */
export const documentFileName = z
  .string({ error: ({ input }) => (Array.isArray(input) ? noMultiFile : undefined) })
  .superRefine((name, context) => {
    const problem =
      globCharacters.test(name) || name.endsWith('/')
        ? noMultiFile
        : (fileNameProblem(name) ??
          (/\.(json|txt)$/.test(name)
            ? undefined
            : 'the name must end in .json or .txt, which says what the file is'));
    if (problem !== undefined) context.addIssue(problem);
  });

function fileNameProblem(name: string): string | undefined {
  if (name === '') return 'a file needs a name';
  if (/[\p{Cc}/\\]/u.test(name) || name === '.' || name === '..')
    return `${JSON.stringify(name)} is not the plain name of a file in the run folder`;
  if (globCharacters.test(name)) return `${JSON.stringify(name)} has wildcards: give the name of one file`;
  if (Buffer.byteLength(name) > 255) return 'the name is longer than 255 bytes';
  if (isOwnFile(name)) return `${JSON.stringify(name)} is a name that the daemon writes under itself`;
  return undefined;
}
