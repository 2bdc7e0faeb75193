/** Asks systemd for the unit. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { UnitFacts } from './facts.ts';

const properties = [
  'LoadState',
  'UnitFileState',
  'ActiveState',
  'User',
  'NoNewPrivileges',
  'ProtectSystem',
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
  };
}
