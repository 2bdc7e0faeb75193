/** The configuration that `init` writes, with a comment for whoever reads it at night. Pure. */
import { stringify } from 'yaml';
import type { Layout } from './layout.ts';

export interface InitAnswers {
  readonly root: string;
  readonly rootName: string;
  readonly app: string;
  readonly kind: 'stand-in' | 'nextmv';
  /** Null: the key comes from a systemd credential or the environment. */
  readonly keyFile: string | null;
  readonly stateDir: string;
  readonly host: string;
}

export function configText(
  { root, rootName, app, kind, keyFile, stateDir, host }: InitAnswers,
  layout: Layout,
): string {
  const { files, marker, depth, sampled, hasMeta } = layout;
  const mapped = Object.entries(files).flatMap(([role, name]) =>
    name === null ? [] : [[role, name] as const],
  );
  const isUnusual = depth !== null && (depth > 1 || mapped.length > 0 || marker !== null || !hasMeta);
  const lines = [
    `# runtrackd on ${host}, as \`runtrackd init\` found it. Every key, with its default, is in config.example.yaml of the`,
    '# package. After a change: runtrackd check-config',
    '',
    "# Where the daemon keeps its own files: what was sent, what is under way, its lock. On a local disk, and nobody else's.",
    `state_dir: ${yaml(stateDir)}`,
    '',
    "# This machine's name: part of every run's identity. Keep it when the machine is renamed.",
    `host: ${yaml(host)}`,
    '',
    'platform:',
    ...(kind === 'stand-in'
      ? [
          '  # A local platform inside the daemon: no account, nothing leaves this machine. nextmv is the real one.',
          '  kind: stand-in',
        ]
      : [
          '  kind: nextmv',
          ...(keyFile === null
            ? [
                '  # The API key comes from the systemd credential nextmv-api-key or from $NEXTMV_API_KEY. Or from a file:',
                '  # api_key_file: /etc/runtrackd/nextmv.key',
              ]
            : [
                "  # The API key alone, readable by the daemon's user and nobody else. It is read again when it changes.",
                `  api_key_file: ${yaml(keyFile)}`,
              ]),
        ]),
    '',
    'drop_roots:',
    '  # Every folder in here is a run folder: what one solver run leaves behind.',
    `  - path: ${yaml(root)}`,
    "    # Part of every run's identity: choose it once.",
    `    name: ${yaml(rootName)}`,
    '    # The app on the platform that the runs belong to.',
    `    app: ${yaml(app)}`,
    '',
    ...(isUnusual
      ? [`    # As ${sampled} folder(s) that lie there already have it; look whether it is right.`]
      : depth === null
        ? [
            '    # No run folder lies there yet. The usual names: input.json, output.json, run.log and, last, meta.json.',
          ]
        : [`    # ${sampled} folder(s) that lie there already have the usual names.`]),
    ...(depth !== null && depth > 1
      ? ['    # Run folders lie this many levels below path.', `    depth: ${depth}`]
      : ['    # depth: 1']),
    ...(mapped.length > 0
      ? ['    files:', ...mapped.map(([role, name]) => `      ${role}: ${yaml(name)}`)]
      : ['    # files: { input: input.json, output: output.json, log: run.log, meta: meta.json }']),
    ...(marker === null
      ? ['    # A file that has to be there before a folder is complete.', '    # marker: DONE']
      : ['    # A folder is complete once this file is there.', `    marker: ${yaml(marker)}`]),
    ...(hasMeta
      ? []
      : [
          '    # No meta.json is written: status, duration and error are inferred from the output and the log.',
          '    meta: optional',
        ]),
    '    # A folder is complete when nothing in it has moved for this long.',
    `    # quiet: ${hasMeta || marker !== null ? '2s' : '60s'}`,
    '    # What lies there already: all of it is tracked, none, or { since: 2026-01-01 }.',
    '    # Before the first start, `runtrackd scan --dry-run` says what that would be.',
    '    backfill: all',
    "    # What is added to each run from its solver's log: key figures, and a chart of solution and bound over time. Files on",
    '    # disk stay as they are, and what the solver wrote itself wins. [] adds nothing.',
    '    enrich: [metrics, chart]',
    '',
  ];
  return lines.join('\n');
}

/** Quoted where YAML asks for it. */
function yaml(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}
