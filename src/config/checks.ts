/**
 * What has to agree between keys, and with the machine. Each check reads the few keys that it needs, and stays silent
 * where those are wrong in themselves: so these problems are reported together with all others.
 */
import { controlSocketIn, socketPathBytesMax } from '../core/controlSocket.ts';
import { readFileSync } from 'node:fs';
import { findApiKey } from './apiKey.ts';
import { checkDirectories } from './directoryChecks.ts';
import type { GroupOf } from './groups.ts';
import { hostProblem } from './names.ts';
import { PartlyGoodFile } from './partlyGood.ts';
import type { Place } from './places.ts';
import type { Finding } from './problems.ts';
import { checkFileNames, checkQuiet, checkRootNames } from './rootChecks.ts';
import { keySchemas } from './schema.ts';

export interface Surroundings {
  /** Where the file lies: paths in it are relative to this. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly machineName: string;
  readonly needsKey: boolean;
  readonly groupOf: GroupOf;
  /** Looks at a directory: on a file system that does not answer this never returns. Null: none is looked at. */
  readonly placeOf: ((path: string) => Place) | null;
  /** Looks at the password's file, likewise. */
  readonly passwordFileProblem: ((path: string) => string | undefined) | null;
}

/** Upload ids are good for this long, so a request may take effect for this long. */
const absentAfterMsMin = 15 * 60_000;

export function crossChecks(value: unknown, around: Surroundings): Finding[] {
  const file = new PartlyGoodFile(value, around.directory);
  return [
    ...checkHost(file, around.machineName),
    ...checkSocketPath(file),
    ...checkControlGroup(file, around.groupOf),
    ...checkListenPath(file),
    ...checkPasswordFile(file, around.passwordFileProblem),
    ...checkAbsentAfter(file),
    ...(around.needsKey ? checkApiKey(file, around.environment) : []),
    ...checkCaFile(file),
    ...checkRootNames(file),
    ...file.roots().flatMap((root) => [...checkFileNames(file, root), ...checkQuiet(file, root)]),
    ...(around.placeOf === null ? [] : checkDirectories(file, around.placeOf)),
  ];
}

function checkHost(file: PartlyGoodFile, machineName: string): Finding[] {
  const problem = hostProblem(machineName);
  if (file.raw(['host']) !== undefined || problem === undefined) return [];
  return [{ path: ['host'], what: `not given, and the machine's name ${problem}` }];
}

/** The control socket lies in the state directory; where a group may use it, in a directory of its own. */
function checkSocketPath(file: PartlyGoodFile): Finding[] {
  const isShared = file.read(['control', 'group'], keySchemas.group) != null;
  const path = isShared ? ['control', 'directory'] : ['state_dir'];
  const directory = file.directory(path);
  if (directory === undefined) return [];
  const bytes = Buffer.byteLength(controlSocketIn(directory));
  if (bytes <= socketPathBytesMax) return [];
  return [
    {
      path,
      what: `is too long a path: the control socket in it would have ${bytes} bytes, and a Unix socket can have ${socketPathBytesMax}`,
    },
  ];
}

function checkControlGroup(file: PartlyGoodFile, groupOf: GroupOf): Finding[] {
  const path = ['control', 'group'];
  const group = file.read(path, keySchemas.group);
  if (group == null) return [];
  const answer = groupOf(group);
  switch (answer.kind) {
    case 'known':
      return [];
    case 'none':
      return [
        {
          path,
          what: `there is no group "${group}" on this machine: make it (groupadd --system ${group}), or name one that there is`,
        },
      ];
    case 'unasked':
      return [
        {
          path,
          what: `nobody could be asked whether there is a group "${group}" (${answer.why}): look at the machine's directory service with getent group ${group}, and try again`,
          mayPass: true,
        },
      ];
  }
}

function checkListenPath(file: PartlyGoodFile): Finding[] {
  const path = ['http', 'listen'];
  const listen = file.read(path, keySchemas.listen);
  if (listen?.kind !== 'unix') return [];
  const bytes = Buffer.byteLength(file.resolved(listen.path));
  if (bytes <= socketPathBytesMax) return [];
  return [
    {
      path,
      what: `is too long a path: it has ${bytes} bytes, and a Unix socket can have ${socketPathBytesMax}`,
    },
  ];
}

function checkPasswordFile(file: PartlyGoodFile, problemOf: Surroundings['passwordFileProblem']): Finding[] {
  if (file.read(['http', 'access'], keySchemas.access) !== 'password') return [];
  const path = ['http', 'password_file'];
  const passwordFile = file.directory(path);
  if (passwordFile !== undefined) {
    const problem = problemOf?.(passwordFile);
    return problem === undefined ? [] : [{ path, what: problem }];
  }
  if (file.raw(path) !== undefined) return [];
  return [{ path: ['http', 'access'], what: 'password needs a password_file' }];
}

function checkAbsentAfter(file: PartlyGoodFile): Finding[] {
  const path = ['platform', 'reconcile', 'absent_after'];
  const absentAfterMs = file.read(path, keySchemas.absentAfter);
  const kind = file.read(['platform', 'kind'], keySchemas.kind);
  if (kind !== 'nextmv' || absentAfterMs === undefined || absentAfterMs >= absentAfterMsMin) return [];
  return [
    {
      path,
      what: 'must be at least 15m, which is how long upload ids live: a request could still take effect',
    },
  ];
}

/** A certificate file that cannot be used would otherwise show as a platform that cannot be reached. */
function checkCaFile(file: PartlyGoodFile): Finding[] {
  if (file.read(['platform', 'kind'], keySchemas.kind) !== 'nextmv') return [];
  const path = ['platform', 'ca_file'];
  const caFile = file.directory(path);
  if (caFile === undefined) return [];
  try {
    const isPem = readFileSync(caFile, 'latin1').includes('-----BEGIN CERTIFICATE-----');
    return isPem
      ? []
      : [{ path, what: 'holds no certificate: it has to be a PEM file (-----BEGIN CERTIFICATE-----)' }];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown trouble';
    return [{ path, what: `cannot be read (${code}): it has to be a PEM file of certificates` }];
  }
}

function checkApiKey(file: PartlyGoodFile, environment: NodeJS.ProcessEnv): Finding[] {
  if (file.read(['platform', 'kind'], keySchemas.kind) !== 'nextmv') return [];
  const path = ['platform', 'api_key_file'];
  const keyFile = file.directory(path);
  if (keyFile === undefined && file.raw(path) !== undefined) return [];
  const found = findApiKey(keyFile ?? null, environment);
  return 'problem' in found ? [{ path, what: found.problem }] : [];
}
