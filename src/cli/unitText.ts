/** The systemd unit for one configuration. Pure: what the machine says of it is an argument. */
import { basename, dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { sharedControlDir } from '../core/controlSocket.ts';

/** What is known of the machine that the unit is for. */
export interface UnitPlace {
  /** The interpreter and the program, absolute. */
  readonly node: string;
  readonly program: string;
  readonly user: string;
  readonly group: string;
  /** A file with the API key that only root can read; null: the configuration says where the key is. */
  readonly credential: string | null;
  /** Numbers of the groups that own drop roots and may work in them. */
  readonly groups: readonly number[];
}

const stateBase = '/var/lib/';
const runtimeBase = '/run/';
/** Directories of people who are logged in, which are theirs to keep. */
const sessionsBase = '/run/user';
const temporaryDirs = ['/tmp', '/var/tmp'];
/** Beyond `shutdown_deadline`, for what is cut off to write down how far it came. */
const stopGraceS = 15;
/** Heap, buffers of 32 uploads and one log at a time fit into less than a third of it. */
const memoryMax = '1G';
/** Node's threads for calls of the file system and for names: four, if nobody says otherwise before it starts. */
const threadsForFiles = 64;

export function unitText(config: Config, place: UnitPlace): string {
  const stateName = config.stateDir.startsWith(stateBase) ? config.stateDir.slice(stateBase.length) : null;
  const isOwnState = stateName !== null && stateName !== '';
  const writable = writablePaths(config).filter((path) => path !== config.stateDir || !isOwnState);
  const { group } = config.control;
  const groups = [
    ...place.groups,
    ...(group === null || place.groups.includes(group.number) ? [] : [group.number]),
  ];
  const lines: (string | null)[] = [
    `# Written by \`runtrackd systemd-unit\` for ${config.file}. Write it anew when paths in there change.`,
    '[Unit]',
    'Description=runtrackd: tracks run folders of optimisation solvers on the Nextmv Platform',
    'Wants=network-online.target',
    'After=network-online.target local-fs.target remote-fs.target',
    '# It is started again for ever: what waits on disk loses nothing, and nobody may be there to start it.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    'NotifyAccess=main',
    `ExecStart=${[place.node, place.program, 'run', '-c', config.file].map(quoted).join(' ')}`,
    // Not kill(1), which a small system may not have; and this one fails when the file is wrong.
    `ExecReload=${[place.node, place.program, 'reload', '-c', config.file].map(quoted).join(' ')}`,
    `User=${place.user}`,
    `Group=${place.group}`,
    groups.length === 0
      ? null
      : `# The groups of drop roots, and of those who may ask the daemon.\nSupplementaryGroups=${groups.join(' ')}`,
    // Here systemd takes the rest of the line as it stands: quotes would be part of the path.
    place.credential === null
      ? null
      : `LoadCredential=nextmv-api-key:${place.credential.replaceAll('%', '%%')}`,
    isOwnState ? `StateDirectory=${escaped(stateName)}` : null,
    isOwnState ? 'StateDirectoryMode=0700' : null,
    '# A count in here tells an outbox that was put back from one that was not: it has to outlive a restart.',
    `RuntimeDirectory=${[basename(sharedControlDir), ...ownRuntimeDirs(config).map(runtimeName)].map(escaped).join(' ')}`,
    `RuntimeDirectoryMode=${config.control.group === null ? '0700' : '0750'}`,
    'RuntimeDirectoryPreserve=yes',
    '# Large files are read by threads of Node. On a share that hangs each holds one, and the others still need some.',
    `Environment=UV_THREADPOOL_SIZE=${String(threadsForFiles)}`,
    '',
    '# A loop that does not move for minutes is a hang; a platform or a disk that is waited for is none.',
    'WatchdogSec=2min',
    'TimeoutStartSec=5min',
    `TimeoutStopSec=${String(Math.ceil(config.shutdownDeadlineMs / 1_000) + stopGraceS)}s`,
    'KillMode=mixed',
    'Restart=always',
    'RestartSec=5s',
    '# A wrong configuration, or an outbox that only a newer version can read: no restart mends these.',
    'RestartPreventExitStatus=65 78',
    '',
    '# A good neighbour of the solver.',
    'Nice=10',
    'IOSchedulingClass=idle',
    'CPUWeight=20',
    `MemoryMax=${memoryMax}`,
    'LimitNOFILE=65536',
    '',
    ...hardening,
    usesTemporary(config)
      ? '# The configuration names something in /tmp or /var/tmp, which a private one would hide.\nPrivateTmp=no'
      : 'PrivateTmp=yes',
    ...(writable.length === 0
      ? []
      : ['# Results, problems and archives; the rest of the machine is read-only.']),
    ...writable.map((path) => `ReadWritePaths=-${escaped(path)}`),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return lines.filter((line) => line !== null).join('\n');
}

/** MemoryDenyWriteExecute is not among them, and SystemCallFilter has an errno: both kill Node otherwise. */
const hardening = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=read-only',
  'PrivateDevices=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'RestrictSUIDSGID=yes',
  'RestrictRealtime=yes',
  'RestrictNamespaces=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'UMask=0077',
] as const;

/** Every directory that the daemon writes into, beside its own below /run. */
export function writablePaths(config: Config): string[] {
  const { kind, standIn } = config.platform;
  const { listen } = config.http;
  const ofSockets = [
    ...(listen?.kind === 'unix' ? [dirname(listen.path)] : []),
    config.control.directory,
  ].filter((path) => !isIn(path, config.stateDir) && !isIn(path, sharedControlDir));
  const ofRoots = config.dropRoots.flatMap(({ path, resultsDir, archive }) => [
    ...(resultsDir === null || archive !== null ? [path] : []),
    ...(resultsDir === null ? [] : [resultsDir]),
    ...(archive === null ? [] : [archive.path]),
  ]);
  const ofStandIn =
    kind === 'stand-in' && !standIn.dataDir.startsWith(`${config.stateDir}/`) ? [standIn.dataDir] : [];
  const all = [config.stateDir, ...ofStandIn, ...ofRoots, ...ofSockets];
  const runtime = ownRuntimeDirs(config);
  return [...new Set(all)].filter((path) => !runtime.includes(path));
}

/**
 * Directories of sockets below /run, beside the one that each daemon has. They are gone after a restart of the machine, so
 * systemd makes them, and gives them to the daemon's user with all that lies in them.
 */
export function ownRuntimeDirs({ control, http: { listen } }: Config): string[] {
  const ofSockets = [
    ...(control.group === null ? [] : [control.directory]),
    ...(listen?.kind === 'unix' ? [dirname(listen.path)] : []),
  ];
  const own = ofSockets.filter(
    (path) => path.startsWith(runtimeBase) && !isIn(path, sharedControlDir) && !isIn(path, sessionsBase),
  );
  return [...new Set(own)];
}

function runtimeName(path: string): string {
  return path.slice(runtimeBase.length);
}

/** Whether anything that the daemon reads or writes lies where a private /tmp would hide it. */
function usesTemporary(config: Config): boolean {
  const { apiKey, caFile } = config.platform;
  const read = [
    config.file,
    ...config.dropRoots.map(({ path }) => path),
    ...(apiKey !== null && 'file' in apiKey ? [apiKey.file] : []),
    ...[caFile, config.http.passwordFile].filter((path) => path !== null),
  ];
  return [...read, ...writablePaths(config)].some((path) => temporaryDirs.some((dir) => isIn(path, dir)));
}

function isIn(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** `%` begins a specifier, and `$` a variable, wherever a path stands. */
function escaped(path: string): string {
  const safe = path.replaceAll('%', '%%');
  return /[\s"'\\]/.test(safe) ? `"${safe.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : safe;
}

function quoted(argument: string): string {
  return escaped(argument).replaceAll('$', '$$$$');
}
