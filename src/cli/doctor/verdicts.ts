/** What the facts mean, and what to do about them. Pure. */
import prettyBytes from 'pretty-bytes';
import type {
  DirectoryFacts,
  Finding,
  MachineFacts,
  NoWay,
  PlatformFacts,
  RootFacts,
  StateFacts,
  UnitFacts,
  WatchFacts,
} from './facts.ts';

/** Node.js 20.19, as package.json asks for. */
const nodeMin = [20, 19] as const;
/** Uploads spool archives, and the outbox grows by some kilobytes a run. */
const freeBytesFail = 50 * 1024 * 1024;
const freeBytesWarn = 1024 * 1024 * 1024;
/** Signed URLs and the "surely absent" rule live with minutes; more than this is a clock that nobody sets. */
const aheadMsFail = 5 * 60_000;
const aheadMsWarn = 5_000;
const certificateDaysWarn = 14;
const latencyMsWarn = 2_000;
/** Every check, in the order of its lines. Each has an entry in docs/operating.md. */
export const checks = [
  'node',
  'sqlite',
  'user',
  'config',
  'password-file',
  'state-directory',
  'outbox',
  'lock',
  'clock',
  'drop-root',
  'results',
  'watches',
  'hard-links',
  'quota',
  'proxy',
  'platform-name',
  'platform-tls',
  'api-key',
  'app',
  'unit',
] as const;
type Check = (typeof checks)[number];

const ok = (check: Check, text: string): Finding => ({ check, level: 'ok', text, next: null });
const warn = (check: Check, text: string, next: string): Finding => ({ check, level: 'warn', text, next });
const fail = (check: Check, text: string, next: string): Finding => ({ check, level: 'fail', text, next });

export function machineFindings({ nodeVersion, sqlite, user, userProblem }: MachineFacts): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isNew = major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1]);
  return [
    isNew
      ? ok('node', `Node.js ${nodeVersion}`)
      : fail('node', `Node.js ${nodeVersion} is too old`, `Install ${nodeMin.join('.')} or newer.`),
    'version' in sqlite
      ? ok('sqlite', `better-sqlite3 is built for this Node.js, with SQLite ${sqlite.version}`)
      : fail(
          'sqlite',
          `better-sqlite3 cannot be loaded: ${sqlite.problem}`,
          'Build it for this Node.js: npm rebuild better-sqlite3, in the directory of the program.',
        ),
    userProblem === null
      ? ok('user', `files are looked at as ${user}`)
      : fail('user', userProblem, 'Run doctor as root for --user, and name a user that exists.'),
  ];
}

/** @param group of the user for whom it was looked */
export function configFinding(file: string, isReadable: boolean, group: string): Finding {
  return isReadable
    ? ok('config', `${file} is right, and this user may read it`)
    : fail(
        'config',
        `${file} is right, but this user may not read it`,
        `Let its group read it, as runtrackd systemd-unit --install does: chgrp ${group} ${file} && chmod 640 ${file}; and enter all directories above it`,
      );
}

/** Of the page: as it may be read by its owner alone, that has to be the daemon's user. */
export function passwordFinding(file: string, isReadable: boolean): Finding {
  return isReadable
    ? ok('password-file', `${file} holds a password, and this user may read it`)
    : fail(
        'password-file',
        `${file} may not be read by this user, so no password lets anybody in`,
        `Give it to the daemon’s user: chown USER ${file} && chmod 600 ${file}; and let it enter all directories above it.`,
      );
}

/** @param what the check that it belongs to. @param who the name of the drop root, or of the key */
export function silentFinding(what: Check, who: string, path: string): Finding {
  return fail(
    what,
    `${who} (${path}) does not answer`,
    `Is it on a share whose server is away? findmnt -T ${path} says. What lies on it waits; the rest goes on.`,
  );
}

export function stateFindings(state: StateFacts): Finding[] {
  return [
    directoryOfState(state),
    outboxFinding(state),
    lockFinding(state),
    ...clockFinding(state.directory),
  ];
}

function directoryOfState({ directory, isOwn }: StateFacts): Finding {
  const { path, is, parent, fileSystem, freeBytes, isWritable, mode } = directory;
  const about = (text: string): string => `state_dir ${path} ${text}`;
  if (fileSystem?.isRemote === true)
    return fail(
      'state-directory',
      about(`is on a network file system (${fileSystem.name}), where locks do not hold`),
      'Set state_dir to a directory on a local disk.',
    );
  if (is === 'missing') {
    return parent?.isWritable === true
      ? ok('state-directory', about('is not there yet, and is made at the first start'))
      : fail(
          'state-directory',
          about(`is not there, and this user may not make it in ${parent?.path ?? '/'}`),
          'Make it and give it to the daemon’s user: runtrackd systemd-unit --install does.',
        );
  }
  if (is === 'no directory')
    return fail('state-directory', about('is no directory'), 'Set state_dir to another path.');
  if (!isWritable || !isOwn)
    return fail(
      'state-directory',
      about('does not belong to this user, who is to run the daemon'),
      `Give it to the daemon’s user (chown -R USER ${path}), or look with --user USER.`,
    );
  if (freeBytes !== null && freeBytes < freeBytesFail)
    return fail(
      'state-directory',
      about(`has ${prettyBytes(freeBytes)} left`),
      'Free space on this disk: nothing is sent while the outbox cannot be written.',
    );
  if (freeBytes !== null && freeBytes < freeBytesWarn)
    return warn(
      'state-directory',
      about(`has ${prettyBytes(freeBytes)} left`),
      'Free space before it is full.',
    );
  if (mode !== null && (mode & 0o077) !== 0)
    return warn(
      'state-directory',
      about(`is open to other users (mode ${(mode & 0o777).toString(8)})`),
      `Close it: chmod 700 ${path}. The daemon does so at its next start.`,
    );
  const left = freeBytes === null ? '' : `, ${prettyBytes(freeBytes)} free`;
  return ok('state-directory', about(`is on ${fileSystem?.name ?? 'a local disk'}${left}`));
}

function outboxFinding({ outbox, schemaMax }: StateFacts): Finding {
  if (outbox === 'none') return ok('outbox', 'there is none yet: this will be the first start');
  if (outbox === 'unreadable')
    return fail('outbox', 'outbox.db cannot be read, or is none', 'See runtrackd explain outbox.');
  const { bytes, schema } = outbox;
  const size = `${prettyBytes(bytes)}, schema ${schema}`;
  if (schema > schemaMax)
    return fail(
      'outbox',
      `it was written by a newer version (${size}; this one knows ${schemaMax})`,
      'Install the newer version again, or restore a backup that this one made.',
    );
  if (schema < schemaMax)
    return ok(
      'outbox',
      `it is of an older version (${size}), and is brought to schema ${schemaMax} at the next start`,
    );
  return ok('outbox', size);
}

function lockFinding({ heldBy }: StateFacts): Finding {
  return ok('lock', heldBy === null ? 'no daemon runs' : `a daemon runs (pid ${heldBy})`);
}

function clockFinding({ path, aheadMs }: DirectoryFacts): Finding[] {
  if (aheadMs === null) return [];
  const off = skewText(aheadMs);
  if (Math.abs(aheadMs) < aheadMsWarn) return [ok('clock', `the clock of ${path} is this machine's`)];
  return [
    warn(
      'clock',
      `the clock of ${path} is ${off} this machine's`,
      'Let both keep time (chrony, ntp): what was written when is told by that clock.',
    ),
  ];
}

export function rootFindings(root: RootFacts): Finding[] {
  return [
    rootFinding(root),
    ...resultFindings(root),
    ...clockFinding(root.directory),
    ...root.others.flatMap(clockFinding),
  ];
}

function rootFinding({ name, directory, sampled, closed }: RootFacts): Finding {
  const { path, is, isReadable, fileSystem, parent } = directory;
  const about = (text: string): string => `${name} (${path}) ${text}`;
  if (is === 'missing')
    return fail(
      'drop-root',
      about(parent === null ? 'is not there' : `is not there; ${parent.path} is`),
      'Mount or make it. While it is missing nothing of it is forgotten.',
    );
  if (is === 'no directory')
    return fail('drop-root', about('is no directory'), 'Correct path in drop_roots.');
  if (is === 'closed' || !isReadable)
    return fail(
      'drop-root',
      about('may not be read and entered by this user'),
      `Let the daemon's user in by the group: chmod g+rx ${path}, and all above it.`,
    );
  if (closed > 0)
    return fail(
      'drop-root',
      about(`has folders that this user may not read: ${closed} of ${sampled} that were looked at`),
      'Let the solver make them readable by the group (umask 027), or give the daemon’s user its group.',
    );
  if (fileSystem?.isRemote === true)
    return warn(
      'drop-root',
      about(`is on ${fileSystem.name}: other machines' changes cause no events`),
      'Nothing has to be done: it is scanned every scan_every.',
    );
  return ok('drop-root', about(`is on ${fileSystem?.name ?? 'a local disk'} and readable`));
}

function resultFindings({ name, directory, isWrittenTo, others }: RootFacts): Finding[] {
  const own =
    !isWrittenTo || directory.is !== 'there'
      ? []
      : [
          directory.isWritable
            ? ok('results', `${name}: results can be written into ${directory.path}`)
            : warn(
                'results',
                `${name}: ${directory.path} may not be written by this user`,
                'Results go to the state directory then. Allow it by the group (chmod g+w), or set result: to a directory.',
              ),
        ];
  return [
    ...own,
    ...others.map((other) =>
      other.is === 'there' && other.isWritable
        ? ok('results', `${name}: ${other.path} can be written`)
        : fail(
            'results',
            `${name}: ${other.path} ${other.is === 'there' ? 'may not be written by this user' : 'is not there'}`,
            'Make it, writable by the daemon’s user. It is never made by the daemon: it may be a mount that is missing.',
          ),
    ),
  ];
}

export function watchFinding(facts: WatchFacts | null): Finding {
  if (facts === null) return ok('watches', 'this kernel does not say how many watches there are');
  const { watchesMax, watchesUsed, watchesNeeded, instancesMax, instancesUsed } = facts;
  const text = `${watchesUsed} of ${watchesMax} watches and ${instancesUsed} of ${instancesMax} instances are in use by this user, up to ${watchesNeeded} more are needed`;
  const isShort = watchesMax - watchesUsed < watchesNeeded || instancesUsed + 2 > instancesMax;
  return isShort
    ? warn(
        'watches',
        text,
        `Without them folders are found by scans only. More: sysctl fs.inotify.max_user_watches=${Math.max(watchesMax * 2, watchesUsed + watchesNeeded)} fs.inotify.max_user_instances=${Math.max(instancesMax, 256)}`,
      )
    : ok('watches', text);
}

/** @param protection what the kernel says of it; null: it does not say */
export function hardLinksFinding(protection: string | null): Finding {
  return protection === '0'
    ? warn(
        'hard-links',
        'every user of this machine may link files that he may not read into a run folder',
        'The daemon refuses such links while it can tell them: sysctl fs.protected_hardlinks=1 lets nobody make them.',
      )
    : ok('hard-links', 'nobody may link files into a run folder that he may not read');
}

/** @param told what `quota` said; null: it is not installed */
export function quotaFinding(told: { readonly isOver: boolean; readonly text: string } | null): Finding {
  if (told === null) return ok('quota', 'not looked at: the program quota is not installed here');
  return told.isOver
    ? fail('quota', `over quota: ${told.text}`, 'Free space of this user, or ask for a larger quota.')
    : ok('quota', 'within the quotas, or there are none');
}

/** @param platform null: the embedded stand-in */
export function platformFindings(platform: PlatformFacts | NoWay | null): Finding[] {
  if (platform === null)
    return [ok('app', 'the platform is the stand-in inside the daemon: nothing leaves this machine')];
  if ('noWay' in platform) return [fail(platform.noWay.of, platform.noWay.text, platform.noWay.hint)];
  const { endpoint, proxy, key, name, tls, apps, aheadMs } = platform;
  const host = new URL(endpoint).host;
  return [
    ok('proxy', proxy === null ? `none: ${host} is reached directly` : `${host} is reached through ${proxy}`),
    ...(name === null
      ? []
      : 'addresses' in name
        ? [ok('platform-name', `${host} is ${name.addresses.join(', ')}`)]
        : [
            fail(
              'platform-name',
              `${host} is not found: ${name.problem}`,
              'Check the DNS of this machine and platform.endpoint; behind a proxy set platform.proxy.',
            ),
          ]),
    ...(tls === null ? [] : [tlsFinding(host, tls)]),
    key.problem === null
      ? ok('api-key', `it is in ${key.where}`)
      : fail(
          'api-key',
          key.problem,
          'Put the key there, readable by the daemon’s user; or let systemd hand it over: runtrackd systemd-unit --install --credential FILE.',
        ),
    ...apps.map(({ app, latencyMs, problem }) =>
      problem !== null
        ? fail('app', `${app}: ${problem.text}`, problem.hint)
        : latencyMs > latencyMsWarn
          ? warn(
              'app',
              `${app}: the key is good, but an answer takes ${latencyMs} ms`,
              'Look at the network or the proxy.',
            )
          : ok('app', `${app}: the key is good for it, an answer takes ${latencyMs} ms`),
    ),
    ...(aheadMs === null ? [] : [platformClock(host, aheadMs)]),
  ];
}

function tlsFinding(
  host: string,
  tls: { readonly daysLeft: number } | { readonly problem: string },
): Finding {
  if ('problem' in tls)
    return fail(
      'platform-tls',
      `no connection to ${host}: ${tls.problem}`,
      'Check firewall, proxy and clock; an authority of your own goes into platform.ca_file.',
    );
  return tls.daysLeft < certificateDaysWarn
    ? warn(
        'platform-tls',
        `${host}'s certificate ends in ${tls.daysLeft} day(s)`,
        'Whoever runs it has to renew it.',
      )
    : ok('platform-tls', `${host}'s certificate is good for ${tls.daysLeft} days`);
}

function platformClock(host: string, aheadMs: number): Finding {
  const text = `the clock of ${host} is ${skewText(aheadMs)} this machine's`;
  if (Math.abs(aheadMs) >= aheadMsFail)
    return fail(
      'clock',
      text,
      'Set this machine’s clock (chrony, ntp): signed addresses are good for minutes.',
    );
  if (Math.abs(aheadMs) >= aheadMsWarn) return warn('clock', text, 'Set this machine’s clock (chrony, ntp).');
  return ok('clock', `the clock of ${host} is this machine's`);
}

function skewText(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
}

/** @param unit null: there is no systemd here */
export function unitFinding(unit: UnitFacts | null): Finding {
  if (unit === null) return ok('unit', 'not looked at: this machine was not started by systemd');
  const { load, enabled, active, user, isHardened } = unit;
  if (load === 'not-found')
    return warn('unit', 'runtrackd.service is not installed', 'Install it: runtrackd systemd-unit --install');
  const text = `runtrackd.service is ${enabled}, ${active}, runs as ${user === '' ? 'root' : user}`;
  if (enabled !== 'enabled')
    return warn('unit', `${text}: it does not start at boot`, 'systemctl enable --now runtrackd');
  if (active === 'failed') return fail('unit', text, 'journalctl -u runtrackd -n 50 says why.');
  if (active !== 'active') return warn('unit', text, 'systemctl start runtrackd');
  return isHardened
    ? ok('unit', `${text}, hardened`)
    : warn('unit', `${text}, not hardened`, 'Write it anew: runtrackd systemd-unit --install');
}
