/**
 * What is said about each command: the one source of `-h`, of the man page and of the completion scripts. The options
 * are commander's own; what they cannot say is here.
 */
import { exitCodes, type ExitCode } from './exit.ts';

export interface ManualEntry {
  /** Half a sentence, for lists of commands. */
  readonly summary: string;
  /** What the command does that its options do not say: whole sentences. */
  readonly description: string;
  /** Each with what it is good for. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** What each exit code means here, beside 2 and 78, which mean the same everywhere. */
  readonly exits: Partial<Record<ExitCode, string>>;
  readonly files?: readonly Thing[];
  readonly environment?: readonly Thing[];
}

/** A file or a variable, and what it is to us. */
interface Thing {
  readonly name: string;
  readonly is: string;
}

const configVariable: Thing = {
  name: 'RUNTRACKD_CONFIG',
  is: 'the configuration, where -c does not name one',
};
const colourVariables: readonly Thing[] = [
  { name: 'NO_COLOR', is: 'set to anything: no colour, on a terminal either' },
  { name: 'FORCE_COLOR', is: 'set to 1: colour in a pipe too' },
];
const keyVariables: readonly Thing[] = [
  {
    name: 'CREDENTIALS_DIRECTORY',
    is: 'set by systemd: the file nextmv-api-key in there holds the API key, where api_key_file does not name one',
  },
  { name: 'NEXTMV_API_KEY', is: 'the API key, where neither a file nor a credential holds it' },
];
const proxyVariables: readonly Thing[] = [
  { name: 'HTTPS_PROXY, NO_PROXY', is: 'the proxy to the platform, where platform.proxy does not name one' },
];

const configFiles: readonly Thing[] = [
  { name: './config.yaml', is: 'the configuration, where neither -c nor $RUNTRACKD_CONFIG names one' },
  {
    name: '/etc/runtrackd/config.yaml',
    is: 'the configuration, where there is none in the working directory',
  },
];
const stateFiles: readonly Thing[] = [
  { name: 'state_dir/outbox.db', is: 'every run, and how far it has come' },
  { name: 'state_dir/control.sock', is: 'where the commands reach the daemon' },
];

/** Of a command that asks the daemon, or the outbox while there is none. */
const asking = {
  [exitCodes.held]: 'a daemon holds the state directory and does not answer; its pid is named',
  [exitCodes.unreachable]:
    'the daemon cannot be reached: it does not answer, ended while it was asked, or this user may not ask it',
  [exitCodes.badData]: 'this version cannot read the outbox',
  [exitCodes.outboxTrouble]: 'the outbox cannot be read or written',
} as const;

const byPerson = (word: 'retry' | 'skip', example: string): Pick<ManualEntry, 'examples' | 'exits'> => ({
  examples: [
    { line: `runtrackd ${word} monday`, does: 'one run, by its folder' },
    {
      line: `runtrackd ${word} --reason ${example} --dry-run`,
      does: 'what it would be for a whole class of reason',
    },
  ],
  exits: {
    ...asking,
    [exitCodes.done]: 'done; with --dry-run: said',
    [exitCodes.failed]: 'no such run, or nothing of what was named waits for an answer',
  },
});

/** By the command's name. */
export const manual: Readonly<Record<string, ManualEntry>> = {
  run: {
    summary: 'the daemon: watch the drop roots and track every complete run folder',
    description:
      'Watches the drop roots of the configuration, waits until a run folder is complete, makes it exactly one run on the platform, and writes the result back. TERM and INT finish what is under way within shutdown_deadline; a second one ends it at once. It logs to stdout: JSON lines, and sentences on a terminal.',
    examples: [
      { line: 'runtrackd run -c /etc/runtrackd/config.yaml', does: 'the daemon, as a unit starts it' },
      { line: 'runtrackd run --once --wait-max 10m', does: 'deliver what is there and end, for cron' },
    ],
    exits: {
      [exitCodes.done]: 'ended as it was told to; with --once: everything is delivered',
      [exitCodes.failed]: 'a bug, or a drop root that could not be looked at (--once)',
      [exitCodes.needsPerson]:
        'with --once: done, but something is parked, rejected or overdue, or waits for another platform',
      [exitCodes.badData]: 'this version cannot read the outbox: starting again does not help',
      [exitCodes.unreachable]: 'with --once: the platform stayed away for --wait-max',
      [exitCodes.outboxTrouble]:
        'the outbox cannot be read or written, with --once for --wait-max: starting again may help',
      [exitCodes.held]: 'another daemon holds the state directory; its pid is named',
    },
    files: [...configFiles, ...stateFiles],
    environment: [configVariable, ...keyVariables, ...proxyVariables],
  },
  track: {
    summary: 'track one folder now',
    description:
      'Takes one folder through the same outbox, without quiet time or marker, and prints its run id. Inside a drop root it follows the rules of that root and makes the run that a scan would make; outside, --app is needed. The running daemon does it if there is one.',
    examples: [
      {
        line: 'runtrackd track /srv/planner/runs/monday --wait',
        does: 'wait, and print the recorded result',
      },
      { line: 'runtrackd track ./experiment --app hare-app', does: 'a folder outside every drop root' },
    ],
    exits: {
      ...asking,
      [exitCodes.done]: 'tracked; with --wait: recorded',
      [exitCodes.failed]: 'not tracked; the reason is said',
      [exitCodes.needsPerson]: 'with --wait: the run is parked',
      [exitCodes.unreachable]: 'the platform or the daemon cannot be reached; the run waits in the outbox',
    },
  },
  status: {
    summary: 'one screen: what is running, what waits and why, what needs you',
    description:
      'Says whether the daemon runs, whether runs move, what waits and why, and what a person has to do. Without a daemon it reads the outbox.',
    examples: [
      {
        line: 'runtrackd status -c /etc/runtrackd/config.yaml',
        does: 'the first thing to type when runs are missing',
      },
      { line: 'runtrackd status --open', does: 'a link to the status page, good for one browser, once' },
      { line: "runtrackd status --json | jq '.counts'", does: 'for a script' },
    ],
    exits: {
      ...asking,
      [exitCodes.done]: 'the daemon runs, and nothing needs a person',
      [exitCodes.needsPerson]: 'the daemon runs, and something needs a person',
      [exitCodes.unreachable]: 'the daemon does not run, or does not answer',
    },
  },
  list: {
    summary: 'runs, newest first; folders that are no runs yet come before them',
    description: 'With --json one object a line.',
    examples: [
      { line: 'runtrackd list --state parked --state rejected', does: 'what waits for a person' },
      { line: 'runtrackd list --since 24h --json --limit 0', does: 'everything of a day, for a script' },
    ],
    exits: {
      ...asking,
      [exitCodes.done]: 'said, also when nothing matches',
      [exitCodes.failed]: 'no such drop root',
    },
  },
  show: {
    summary: 'the whole story of one run',
    description:
      'Everything known of a run: its history, why it is where it is, what happens next and when. A path or a folder’s name comes first; #42 is a number of a run.',
    examples: [
      { line: 'runtrackd show /srv/planner/runs/monday', does: 'by its folder' },
      { line: "runtrackd show '#42'", does: 'by its number' },
    ],
    exits: { ...asking, [exitCodes.done]: 'said', [exitCodes.failed]: 'no such run or folder' },
  },
  retry: {
    summary: 'try again what is parked, rejected or skipped',
    description:
      'A parked run goes on from where it was parked; a rejected folder is looked at again; a skipped one is taken up. Nothing is ever sent twice by it. With --all, --reason and --root, --dry-run says beforehand what it would be.',
    ...byPerson('retry', 'refused'),
  },
  skip: {
    summary: 'leave for good what is parked, rejected or overdue',
    description:
      'The run or folder is not looked at again unless its content changes, its drop root gets another app or platform, or somebody says retry. By its name or number also a run that still waits to be sent, or that is looked for on the platform because its outcome is unknown.',
    ...byPerson('skip', 'too-large'),
  },
  scan: {
    summary: 'look at the drop roots now, at finished folders too',
    description:
      'The daemon looks by itself all the time; this is for now. With --dry-run it says what would be tracked, what not, and why, and changes nothing.',
    examples: [
      { line: 'runtrackd scan', does: 'look at every drop root' },
      { line: 'runtrackd scan --dry-run', does: 'before the first start: what would become of the folders' },
    ],
    exits: {
      ...asking,
      [exitCodes.done]: 'looked at',
      [exitCodes.failed]: 'no such drop root, or one that could not be looked at',
      [exitCodes.needsPerson]: 'looked at, and something is parked, rejected or overdue',
    },
  },
  reload: {
    summary: 'have the running daemon read its configuration again',
    description:
      'As on HUP. All of the file has to be right, else every problem is said and the earlier reading stays in force. Drop roots come and go without losing a run: what is sent is seen through, what is not waits until its root is there again. Keys that count from the next start on are named.',
    examples: [{ line: 'runtrackd reload', does: 'after editing the configuration' }],
    exits: {
      ...asking,
      [exitCodes.done]: 'what the file says is in force, except for keys that are named',
      [exitCodes.unreachable]: 'no daemon runs, or this user may not ask it',
      [exitCodes.config]: 'the configuration is wrong; the earlier reading stays in force',
    },
    files: configFiles,
    environment: [configVariable],
  },
  backup: {
    summary: 'copy the outbox to a file, while the daemon runs or not; overwrites nothing',
    description:
      'The copy is whole, checked and synced. It holds no secret. Root and the daemon’s user make it themselves, wherever they may write. For whoever may only ask the daemon it is made by the daemon, which under its unit sees a /tmp of its own and may write to little else.',
    examples: [
      {
        line: String.raw`0 3 * * *  runtrackd backup -c /etc/runtrackd/config.yaml "/var/backups/runtrackd-$(date +\%F).db"`,
        does: 'a copy a day, as a line of root’s crontab',
      },
    ],
    exits: { ...asking, [exitCodes.done]: 'copied', [exitCodes.failed]: 'not copied; the reason is said' },
  },
  restore: {
    summary: 'put a copy in the place of the outbox, while no daemon runs; the present one is kept aside',
    description:
      'What the copy does not know is found again by its result files and on the platform; nothing is sent twice.',
    examples: [
      { line: 'runtrackd restore /var/backups/runtrackd-2026-11-24.db', does: 'after stopping the daemon' },
    ],
    exits: {
      [exitCodes.done]: 'the copy is the outbox now',
      [exitCodes.badData]: 'the file is no outbox, or one of a newer version',
      [exitCodes.outboxTrouble]: 'the state directory cannot be written',
      [exitCodes.held]: 'a daemon holds the state directory; its pid is named',
    },
  },
  init: {
    summary: 'write a commented configuration for this machine',
    description:
      'Asks on a terminal what was not given, and finds out the rest: the name of the machine, and from the run folders that lie there already how deep they lie, what their files are called, and whether a marker is written. It overwrites nothing. The file has mode 0640.',
    examples: [
      { line: 'sudo runtrackd init /etc/runtrackd', does: 'ask' },
      {
        line: 'runtrackd init . --root ./runs --app hare-app --platform stand-in',
        does: 'without a question, to try it',
      },
    ],
    exits: {
      [exitCodes.done]: 'written; the next command is said',
      [exitCodes.failed]: 'there is a configuration already, or it cannot be written',
      [exitCodes.usage]: 'there is no terminal to ask on, and options are missing; they are named',
    },
  },
  'check-config': {
    summary: 'check the configuration and name every problem at once',
    description:
      'Each problem is one line, file:line:column: where: what. A key that the installed unit hands to the daemon of this file (--credential) is no missing one.',
    examples: [{ line: 'runtrackd check-config -c config.yaml', does: 'before every restart' }],
    exits: { [exitCodes.done]: 'the configuration is right' },
    environment: keyVariables,
  },
  doctor: {
    summary: 'check the machine, the folders, the limits, the platform and the unit',
    description:
      'One line a check: ok, warn or fail, and what to do. It works before the first start, as root and as the user of the daemon, and beside a running daemon. It writes nothing but a file that it removes at once, in the state directory and where results go. The platform is asked for each app with the key, which is never shown; against the stand-in nothing leaves this machine. `runtrackd explain CHECK` says more.',
    examples: [
      { line: 'sudo runtrackd doctor --user runtrackd', does: 'what the user of the daemon may and can' },
      { line: 'runtrackd doctor --json | jq \'.checks[] | select(.level != "ok")\'', does: 'for a script' },
    ],
    exits: {
      [exitCodes.done]: 'everything is ok, or worth a warning',
      [exitCodes.failed]: 'something would keep runs from being tracked',
    },
    environment: [...keyVariables, ...proxyVariables],
  },
  explain: {
    summary: 'what a reason, a problem or a check means, and what to type',
    description: 'Without a topic it lists all there are. The same text is in docs/operating.md.',
    examples: [
      { line: 'runtrackd explain refused', does: 'a class of reason, as show and list --json have it' },
      { line: 'runtrackd explain drop-root', does: 'a check of doctor' },
    ],
    exits: { [exitCodes.done]: 'said', [exitCodes.failed]: 'there is nothing about that topic' },
  },
  'systemd-unit': {
    summary: 'print a hardened systemd unit for this configuration, or put it in place',
    description:
      'The unit names this configuration, its user and exactly the directories that have to be written. --install makes what is missing and changes nothing that is so already.',
    examples: [
      { line: 'runtrackd systemd-unit -c /etc/runtrackd/config.yaml', does: 'read it first' },
      {
        line: 'sudo runtrackd systemd-unit --install --credential /etc/runtrackd/nextmv.key',
        does: 'put it in place, with the key as a credential',
      },
    ],
    exits: {
      [exitCodes.done]: 'printed, or in place',
      [exitCodes.failed]: 'not root, or a step of the installation failed',
    },
    files: [{ name: '/etc/systemd/system/runtrackd.service', is: 'the unit that --install writes' }],
  },
  'parse-log': {
    summary: "say what a solver's log says, with the line of each fact",
    description:
      'Needs no configuration and no daemon. On a terminal the best solution and the bound over time are drawn below the facts. With --json one object a file.',
    examples: [
      { line: 'runtrackd parse-log run.log', does: 'for a person' },
      { line: 'glpsol --lp model.lp | runtrackd parse-log --json - | jq .objective', does: 'for a script' },
    ],
    exits: { [exitCodes.done]: 'said', [exitCodes.failed]: 'a file cannot be read' },
  },
  platform: {
    summary: 'the stand-in: a local server that speaks the contract of the platform',
    description:
      'Its first line on stdout is its endpoint, when it listens. docs/stand-in.md tells of every setting and fault.',
    examples: [
      { line: 'runtrackd platform --port 8421 --apps hare-app', does: 'one app, on a port of your choice' },
      {
        line: 'NEXTMV_ENDPOINT=http://127.0.0.1:8421 NEXTMV_API_KEY=x python my_script.py',
        does: 'the official SDK against it',
      },
      {
        line: 'runtrackd platform --tls --final-after 5s --fault create:drop-after:3',
        does: 'one that misbehaves',
      },
    ],
    exits: {
      [exitCodes.done]: 'ended as it was told to',
      [exitCodes.failed]: 'it cannot listen, or its data cannot be written',
      [exitCodes.held]: 'another stand-in holds its data',
    },
  },
  completion: {
    summary: 'a completion script for bash, zsh or fish',
    description:
      'Print the script and let the shell read it. It completes commands, options and their choices, such as states; it asks no daemon.',
    examples: [
      { line: 'source <(runtrackd completion bash)', does: 'in ~/.bashrc' },
      { line: 'source <(runtrackd completion zsh)', does: 'in ~/.zshrc, after compinit' },
      { line: 'runtrackd completion fish | source', does: 'in ~/.config/fish/config.fish' },
    ],
    exits: { [exitCodes.done]: 'printed' },
  },
};

const everywhere: Partial<Record<ExitCode, string>> = {
  [exitCodes.usage]: 'wrong usage, or a name that fits more than one run',
  [exitCodes.config]: 'the configuration is wrong or missing; every problem is named',
};
/** These read no configuration. */
const withoutConfig: ReadonlySet<string> = new Set([
  'parse-log',
  'platform',
  'completion',
  'init',
  'explain',
]);

/** What each exit code of a command means, in order. */
export function exitsOf(name: string): readonly (readonly [code: string, means: string])[] {
  const { [exitCodes.config]: ofConfig, ...always } = everywhere;
  const shared = withoutConfig.has(name) ? always : { ...always, [exitCodes.config]: ofConfig };
  return Object.entries({ ...shared, ...manual[name]?.exits }).map(([code, means]) => [code, means ?? '']);
}

/** The variables and files that a command looks at, beside those of every command. */
export function surroundingsOf(name: string): {
  readonly files: readonly Thing[];
  readonly environment: readonly Thing[];
} {
  const entry = manual[name];
  return { files: entry?.files ?? [], environment: entry?.environment ?? [] };
}

/** Files and variables of all commands, each once. */
export function allSurroundings(): {
  readonly files: readonly Thing[];
  readonly environment: readonly Thing[];
} {
  const entries = Object.keys(manual).map(surroundingsOf);
  return {
    files: onceEach([...configFiles, ...stateFiles, ...entries.flatMap(({ files }) => files)]),
    environment: onceEach([
      configVariable,
      ...entries.flatMap(({ environment }) => environment),
      ...colourVariables,
    ]),
  };
}

function onceEach(things: readonly Thing[]): Thing[] {
  return [...new Map(things.map((thing) => [thing.name, thing])).values()];
}

/** What `-h` shows below the options. */
export function helpTail(name: string): string {
  const entry = manual[name];
  if (entry === undefined) return '';
  const widest = Math.max(...entry.examples.map(({ line }) => line.length));
  // Beside the line where both fit into 100 characters, else above it.
  const isBeside = entry.examples.every(({ does }) => widest + does.length + 6 <= 100);
  const examples = entry.examples.map(({ line, does }) =>
    isBeside ? `  ${line.padEnd(widest)}  # ${does}` : `  # ${does}\n  ${line}`,
  );
  const exits = exitsOf(name).map(([code, means]) => `  ${code.padEnd(2)}  ${means}`);
  return ['', 'Examples:', ...examples, '', 'Exit codes:', ...exits].join('\n');
}
