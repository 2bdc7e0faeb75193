/** The groups of this machine, as whatever keeps them has them: a file, or a directory service. */
import { spawnSync } from 'node:child_process';

/** A directory service that is away must not hold a command for longer, in ms. */
const askedMsMax = 10_000;
/** How getent ends when it was told that there is none. */
const noneOfThatName = 2;

export type GroupAnswer =
  | { readonly kind: 'known'; readonly number: number }
  | { readonly kind: 'none' }
  /** Nobody could tell: at another time there may be an answer. */
  | { readonly kind: 'unasked'; readonly why: string };

export type GroupOf = (name: string) => GroupAnswer;

/** Asks the machine for each group once: a slow answer is waited for once, and the same answer counts everywhere. */
export function askingOnce(
  known: readonly { readonly name: string; readonly number: number }[] = [],
): GroupOf {
  const answers = new Map<string, GroupAnswer>(
    known.map(({ name, number }) => [name, { kind: 'known', number }]),
  );
  return (name) => {
    const answer = answers.get(name) ?? ask(name);
    answers.set(name, answer);
    return answer;
  };
}

function ask(name: string): GroupAnswer {
  const { stdout, status, error } = spawnSync('getent', ['group', name], {
    encoding: 'utf8',
    timeout: askedMsMax,
  });
  if (error !== undefined) {
    const code = 'code' in error ? String(error.code) : error.message;
    return {
      kind: 'unasked',
      why: code === 'ETIMEDOUT' ? `no answer within ${askedMsMax / 1000} s` : `getent: ${code}`,
    };
  }
  if (status === noneOfThatName) return { kind: 'none' };
  const number = /^[^:]*:[^:]*:(\d+):/.exec(stdout)?.[1];
  if (status !== 0 || number === undefined)
    return { kind: 'unasked', why: `getent ended with ${String(status)}` };
  return { kind: 'known', number: Number(number) };
}
