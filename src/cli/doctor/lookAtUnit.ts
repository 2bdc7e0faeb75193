/** Asks systemd for the unit, and looks at the key that it hands to the daemon. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { credentialName } from '../../config/apiKey.ts';
import { keyReader } from '../../platform/apiKey.ts';
import { machineClock } from '../../system/clock.ts';
import type { Secret } from '../../system/secret.ts';
import type { UnitFacts } from './facts.ts';

const properties = [
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'User',
  'NoNewPrivileges',
  'ProtectSystem',
  'LoadCredential',
] as const;

/** @returns null on a machine that systemd did not start */
export function lookAtUnit(): UnitFacts | null {
  if (!existsSync('/run/systemd/system')) return null;
  const asked = ['show', 'runtrackd.service', '--property', properties.join(',')];
  const { stdout, error } = spawnSync('systemctl', asked, { encoding: 'utf8', timeout: 10_000 });
  return error === undefined ? unitOf(stdout) : null;
}

/** What `systemctl show` prints, a property a line. */
export function unitOf(shown: string): UnitFacts {
  const values = new Map(
    shown.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  return {
    load: values.get('LoadState') ?? 'not-found',
    enabled: values.get('UnitFileState') ?? '',
    active: values.get('ActiveState') ?? '',
    user: values.get('User') ?? '',
    isHardened: values.get('NoNewPrivileges') === 'yes' && values.get('ProtectSystem') === 'strict',
    credential: credentialOf(values.get('LoadCredential') ?? ''),
  };
}

/** @param loaded such as `nextmv-api-key:/etc/runtrackd/nextmv.key`, with others */
function credentialOf(loaded: string): string | null {
  const found = loaded.split(' ').find((one) => one.startsWith(`${credentialName}:/`));
  return found === undefined ? null : found.slice(credentialName.length + 1);
}

/** The key as systemd would read it, which may be for root alone. */
export type Credential = { readonly file: string } & (
  { readonly key: Secret } | { readonly problem: string }
);

export async function lookAtCredential(file: string): Promise<Credential> {
  try {
    return { file, key: await keyReader({ file }, {}, machineClock)() };
  } catch (error) {
    return { file, problem: error instanceof Error ? error.message : String(error) };
  }
}
