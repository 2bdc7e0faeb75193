/** The API key, from where the configuration says. A file is read again when it changes: a new key needs no restart. */
import { readFile, stat } from 'node:fs/promises';
import type { ApiKeySource } from '../core/apiKeySource.ts';
import { RuntrackdError } from '../core/failure.ts';
import type { Clock } from '../system/clock.ts';
import { Secret } from '../system/secret.ts';

/** A longer file is no key. */
const keyBytesMax = 16 * 1024;
/** The file is looked at again after this, in ms: not for each request, of which one run has half a dozen. */
const lookAgainMs = 1_000;

/** What a header takes: printable ASCII without spaces. Keys are made of nothing else. */
const keyForm = /^[!-~]+$/;

/** @returns a function that gives the key that counts now; it throws a RuntrackdError (reach: platform) without one */
export function keyReader(
  source: ApiKeySource,
  environment: NodeJS.ProcessEnv,
  clock: Pick<Clock, 'monotonicMs'>,
): () => Promise<Secret> {
  if ('environment' in source) {
    const name = `$${source.environment}`;
    const value = environment[source.environment]?.trim() ?? '';
    return () =>
      new Promise((resolve) => {
        if (value === '') throw noKey(`${name} is empty`);
        resolve(keyIn(value, name));
      });
  }
  let held: { readonly key: Secret; readonly mark: string; readonly lookedMs: number } | null = null;
  return async () => {
    const lookedMs = clock.monotonicMs();
    if (held !== null && lookedMs - held.lookedMs < lookAgainMs) return held.key;
    try {
      const { mtimeMs, size, ino } = await stat(source.file);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (held?.mark === mark) {
        held = { ...held, lookedMs };
        return held.key;
      }
      if (size > keyBytesMax) throw noKey(`${source.file} is too large to be a key`);
      held = { key: keyIn((await readFile(source.file, 'utf8')).trim(), source.file), mark, lookedMs };
      return held.key;
    } catch (error) {
      if (error instanceof RuntrackdError) throw error;
      throw noKey(`${source.file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

/** @param where it stands, for the text: what stands there is never shown */
function keyIn(value: string, where: string): Secret {
  if (value === '' || /\s/.test(value)) throw noKey(`${where} does not hold exactly one key`);
  if (!keyForm.test(value))
    throw noKey(
      `${where} holds a character that no key has (keys are plain letters, digits and signs): copy it again from where it was given out`,
    );
  return new Secret(value);
}

function noKey(what: string): RuntrackdError {
  return new RuntrackdError({
    class: 'no-key',
    text: `there is no API key: ${what}`,
    hint: 'Put the key in place, readable by the daemon’s user; it is read again by itself.',
    reach: 'platform',
  });
}
