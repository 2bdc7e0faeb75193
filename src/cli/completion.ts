/** Completion scripts for three shells, from commander's tree of commands. Pure: nothing is looked up while one types. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

type Value =
  /** No value: a switch. */
  | { readonly kind: 'none' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'file' }
  /** A name, a number, a time: nothing that a shell could know. */
  | { readonly kind: 'other' };

interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly about: string;
    readonly value: Value;
    readonly isRepeatable: boolean;
  }[];
  readonly argument: Value;
}

/** @param top the program with its commands */
export function completionScript(shell: Shell, top: CommandUnknownOpts): string {
  const commands = top.commands.map(completed);
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}

function completed(command: CommandUnknownOpts): Completed {
  const help = command.createHelp();
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    summary: command.summary(),
    options: help.visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag != null),
      about: option.description,
      value: valueOf(option.argChoices, /[<[](\w+)/.exec(option.flags)?.[1]),
      isRepeatable: option.variadic,
    })),
    argument: valueOf(argument?.argChoices, argument?.name()),
  };
}

/** What stands for a path in an option or an argument. */
const pathWords: ReadonlySet<string> = new Set(['file', 'files', 'folder', 'dir', 'run', 'runs']);

function valueOf(choices: readonly string[] | undefined, word: string | undefined): Value {
  if (choices !== undefined) return { kind: 'choice', choices };
  if (word === undefined) return { kind: 'none' };
  return { kind: pathWords.has(word) ? 'file' : 'other' };
}

function bashScript(commands: readonly Completed[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(({ flags, value, isRepeatable }) => {
      if (value.kind === 'none') return [];
      const words = value.kind === 'choice' ? value.choices.join(' ') : '';
      // After a repeatable option every further word is one of its values; after another one, the next word alone.
      const at = flags.map((flag) => `'${name} ${flag}'`).join('|');
      const isIt = isRepeatable ? 'true' : '[ "$last" -eq $((COMP_CWORD - 1)) ]';
      const files = value.kind === 'file' ? 'compgen -f -- "$cur"' : `compgen -W '${words}' -- "$cur"`;
      return [`    ${at})`, `      if ${isIt}; then _runtrackd_words < <(${files}); return; fi ;;`];
    }),
  );
  const rest = commands.flatMap(({ name, options, argument }) => [
    `    ${name})`,
    `      if [[ $cur == -* ]]; then words='${options.flatMap(({ flags }) => flags).join(' ')}'`,
    argument.kind === 'file'
      ? '      else _runtrackd_words < <(compgen -f -- "$cur"); return; fi ;;'
      : `      else words='${argument.kind === 'choice' ? argument.choices.join(' ') : ''}'; fi ;;`,
  ]);
  return `# bash completion for runtrackd: source <(runtrackd completion bash)
_runtrackd_words() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done
  if [ "\${#COMPREPLY[@]}" -gt 0 ] && [ -e "\${COMPREPLY[0]}" ]; then compopt -o filenames 2>/dev/null; fi
}

_runtrackd() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command='' option='' last=0 words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      -*) option=\${COMP_WORDS[i]}; last=$i ;;
      *) if [ -z "$command" ]; then command=\${COMP_WORDS[i]}; fi ;;
    esac
  done
  if [[ $cur != -* ]]; then
    case "$command $option" in
${values.join('\n')}
    esac
  fi
  case $command in
    '') words='${commands.map(({ name }) => name).join(' ')} --help --version' ;;
${rest.join('\n')}
  esac
  _runtrackd_words < <(compgen -W "$words" -- "$cur")
}
complete -F _runtrackd runtrackd
`;
}

function zshScript(commands: readonly Completed[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const about = (text: string): string => text.replaceAll(/[[\]:\\]/g, (sign) => `\\${sign}`);
  const action = (value: Value): string => {
    switch (value.kind) {
      case 'none':
        return '';
      case 'choice':
        return `:choice:(${value.choices.join(' ')})`;
      case 'file':
        return ':file:_files';
      case 'other':
        return ':value: ';
    }
  };
  const cases = commands.flatMap(({ name, options, argument }) => [
    `    ${name})`,
    '      _arguments \\',
    ...options.map(({ flags, about: text, value, isRepeatable }) => {
      const before = isRepeatable ? "'*'" : flags.length > 1 ? quoted(`(${flags.join(' ')})`) : '';
      const names = flags.length > 1 ? `{${flags.join(',')}}` : (flags[0] ?? '');
      return `        ${before}${names}${quoted(`[${about(text)}]${action(value)}`)} \\`;
    }),
    argument.kind === 'none' ? "        '*: : ' ;;" : `        ${quoted(`*${action(argument)}`)} ;;`,
  ]);
  return `#compdef runtrackd
# zsh completion for runtrackd: source <(runtrackd completion zsh), or this file as _runtrackd in $fpath
_runtrackd() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${about(summary)}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _runtrackd ]; then _runtrackd "$@"; else compdef _runtrackd runtrackd; fi
`;
}

function fishScript(commands: readonly Completed[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, summary, options, argument }) => {
    const at = `complete -c runtrackd -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c runtrackd -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...options.map(({ flags, about, value }) => {
        const names = flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        return `${at} ${names.join(' ')}${fishValue(value)} -d ${quoted(about)}`;
      }),
      ...(argument.kind === 'file' ? [`${at} -F`] : []),
      ...(argument.kind === 'choice' ? [`${at} -a '${argument.choices.join(' ')}'`] : []),
    ];
  });
  return `# fish completion for runtrackd: runtrackd completion fish | source
complete -c runtrackd -f
${lines.join('\n')}
`;
}

function fishValue(value: Value): string {
  switch (value.kind) {
    case 'none':
      return '';
    case 'choice':
      return ` -x -a '${value.choices.join(' ')}'`;
    case 'file':
      return ' -r -F';
    case 'other':
      return ' -x';
  }
}
