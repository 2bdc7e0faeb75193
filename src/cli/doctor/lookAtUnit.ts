/** Asks systemd for the unit, and looks at the key that it hands to the daemon. */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { credentialName } from '../../config/apiKey.ts';
import { keyReader } from '../../platform/apiKey.ts';
import { machineClock } from '../../system/clock.ts';
import { errorCode } from '../../system/files.ts';
import type { Secret } from '../../system/secret.ts';
import type { UnitFacts } from './facts.ts';

const properties = [
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'User',
  'NoNewPrivileges',
  'ProtectSystem',
  'SupplementaryGroups',
] as const;

/** @returns null on a machine that systemd did not start */
export function lookAtUnit(): UnitFacts | null {
  if (!existsSync('/run/systemd/system')) return null;
  const asked = ['show', 'runtrackd.service', '--property', properties.join(',')];
  const { stdout, error } = spawnSync('systemctl', asked, { encoding: 'utf8', timeout: 10_000 });
  if (error !== undefined) return null;
  // Older ones do not show a credential, but always the file and what was added to it.
  const files = spawnSync('systemctl', ['cat', 'runtrackd.service'], { encoding: 'utf8', timeout: 10_000 });
  return unitOf(stdout, files.stdout);
}

/** @param shown what `systemctl show` prints, a property a line. @param files the unit's own text */
export function unitOf(shown: string, files = ''): UnitFacts {
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
    groups: (values.get('SupplementaryGroups') ?? '').split(' ').filter((group) => group !== ''),
    credential: credentialOf(files),
    configFile: configFileOf(files),
  };
}

/** From a line such as `LoadCredential=nextmv-api-key:/etc/runtrackd/nextmv.key`; the last one counts. */
function credentialOf(files: string): string | null {
  const start = `LoadCredential=${credentialName}:/`;
  const line = files.split('\n').findLast((one) => one.startsWith(start));
  return line === undefined ? null : line.slice(start.length - 1).replaceAll('%%', '%');
}

/** What follows `-c` where the daemon is started; the last such line counts. */
function configFileOf(files: string): string | null {
  const line = files.split('\n').findLast((one) => /^ExecStart=./.test(one)) ?? '';
  const words = wordsOf(line.slice('ExecStart='.length));
  const at = words.findIndex((word) => /^(-c|--config)$/.test(word));
  if (at !== -1) return words[at + 1] ?? null;
  return words.find((word) => word.startsWith('--config='))?.slice('--config='.length) ?? null;
}

/** The words of a command as systemd takes them: quoted or not, with `%%` and `$$` for one of each. */
function wordsOf(command: string): string[] {
  const found = command.matchAll(/"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\S+)/g);
  return [...found].map(([, double, single, bare]) =>
    (double ?? single ?? bare ?? '').replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$'),
  );
}

/** The file that systemd hands to the daemon of this configuration as its key; null: the unit is none of it, or has none. */
export function credentialFor(unit: UnitFacts | null, configFile: string): string | null {
  if (unit?.configFile == null) return null;
  return isSameFile(unit.configFile, configFile) ? unit.credential : null;
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return resolve(one) === resolve(other);
  }
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
