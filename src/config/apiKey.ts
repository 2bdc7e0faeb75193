/**
 * Where the platform's API key is to be found. The key itself is not read here, and the path in `api_key_file` is never
 * repeated in a text: it happens that the key is written there in place of a path.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiKeySource } from '../core/apiKeySource.ts';

export type FoundApiKey = { readonly source: ApiKeySource } | { readonly problem: string };

export const credentialName = 'nextmv-api-key';

/** The first of: the file that the configuration names, systemd's credential, the environment. */
export function findApiKey(keyFile: string | null, environment: NodeJS.ProcessEnv): FoundApiKey {
  if (keyFile !== null) {
    const problem = keyFileProblem(keyFile);
    return problem === undefined ? { source: { file: keyFile } } : { problem };
  }
  const credentials = environment['CREDENTIALS_DIRECTORY'] ?? '';
  const credential = join(credentials, credentialName);
  if (credentials !== '' && existsSync(credential)) return { source: { file: credential } };
  if ((environment['NEXTMV_API_KEY'] ?? '').trim() !== '')
    return { source: { environment: 'NEXTMV_API_KEY' } };
  return {
    problem:
      'kind nextmv needs an API key: set api_key_file to a file that holds it, ' +
      `or give it as the systemd credential ${credentialName} (a file in $CREDENTIALS_DIRECTORY), ` +
      'or in the environment variable NEXTMV_API_KEY',
  };
}

/** A file that this user may not read is no mistake here: the configuration may be checked by another user than the daemon's. */
function keyFileProblem(keyFile: string): string | undefined {
  try {
    return statSync(keyFile).isDirectory()
      ? 'is a directory: it has to be a file that holds the API key'
      : undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES' || code === 'EPERM') return undefined;
    return 'there is no such file: it has to be the path of a file that holds the API key, not the key itself';
  }
}
