/** Completion scripts, judged by the shells themselves. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { completionScript } from '../../src/cli/completion.ts';
import { program } from '../../src/cli/program.ts';
import { shownStates } from '../../src/core/run.ts';

const place = mkdtempSync(join(tmpdir(), 'runtrackd-completion-'));
afterAll(() => rmSync(place, { recursive: true }));
writeFileSync(join(place, 'my config.yaml'), '');
for (const shell of ['bash', 'zsh', 'fish'] as const)
  writeFileSync(join(place, `script.${shell}`), completionScript(shell, await program()));

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;
for (const shell of ['bash', 'zsh', 'fish'])
  if (!isThere(shell)) console.error(`SKIPPED: what ${shell} makes of its completion: it is not installed`);
const names = (await program()).commands.map((command) => command.name());

/** What each shell offers for a line that ends where one presses TAB. */
const offers = {
  bash: (line: string): string[] =>
    ran('bash', [
      '--norc',
      '-c',
      'source script.bash; line=$1; IFS=" " read -ra COMP_WORDS <<< "$line"; [[ $line == *" " ]] && COMP_WORDS+=(""); ' +
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _runtrackd; printf "%s\\n" "${COMPREPLY[@]}"',
      'bash',
      line,
    ]),
  fish: (line: string): string[] =>
    ran('fish', ['--no-config', '-c', 'source script.fish; complete -C $argv[1]', line]).map(
      (offer) => offer.split('\t')[0] ?? '',
    ),
};

function ran(shell: string, args: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(shell, args, { cwd: place, encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split('\n').filter((line) => line !== '');
}

describe.each(['bash', 'fish'] as const)('%s (skipped where it is not installed)', (shell) => {
  test.skipIf(!isThere(shell)).each([
    { line: 'runtrackd ', has: names, not: ['--state'] },
    { line: 'runtrackd sys', has: ['systemd-unit'], not: ['status'] },
    { line: 'runtrackd list --', has: ['--state', '--since', '--json', '--config'], not: ['--wait'] },
    { line: 'runtrackd list --state ', has: shownStates, not: ['list', 'my config.yaml'] },
    { line: 'runtrackd list --state par', has: ['parked'], not: ['recorded'] },
    { line: 'runtrackd check-config -c my', has: ['my config.yaml'], not: [] },
    { line: 'runtrackd completion ', has: ['bash', 'zsh', 'fish'], not: ['my config.yaml'] },
  ])('"$line"', ({ line, has, not }) => {
    const offered = offers[shell](line).map((offer) => offer.replaceAll('\\', ''));
    expect(offered).toEqual(expect.arrayContaining([...has]));
    for (const word of not) expect(offered).not.toContain(word);
  });
});

test.skipIf(!isThere('zsh')).each([
  { typed: 'runtrackd systemd-u\\t', becomes: 'systemd-unit' },
  { typed: 'runtrackd list --state par\\t', becomes: 'list --state parked' },
  { typed: 'runtrackd completion fi\\t', becomes: 'completion fish' },
])('zsh completes "$typed" (skipped where it is not installed)', ({ typed, becomes }) => {
  // A real interactive shell on a terminal of its own; the command is a function that says what it was given.
  const script = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell $'autoload -U compinit; compinit -u -D; source script.zsh; runtrackd() { print "GOT:$*:" }; print RE""ADY'
    zpty -r shell out '*READY*'
    zpty -w shell $'${typed}'
    zpty -r shell out '*GOT:*:*'
    print -r -- "$out"`;
  const { stdout } = spawnSync('zsh', ['-f', '-c', script], {
    cwd: place,
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect(stdout).toMatch(new RegExp(`GOT:${becomes} ?:`));
});
