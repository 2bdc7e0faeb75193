/** What one can type: help everywhere, and wrong usage is exit code 2 with a word that helps. */
import { expect } from 'vitest';
import { test } from '../journey/scene.ts';
import { openGallery } from './gallery.ts';

const commands = [
  'run',
  'track',
  'status',
  'list',
  'show',
  'retry',
  'skip',
  'scan',
  'check-config',
  'parse-log',
  'platform',
];

test.concurrent('the help names every command, and each has a help of its own', async ({ scene }) => {
  const top = await scene.start(['--help']).end();
  expect(top.code).toBe(0);
  const helps = await Promise.all(commands.map((command) => scene.start([command, '-h']).end()));
  for (const [index, command] of commands.entries()) {
    expect(top.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(helps[index]).toMatchObject({ code: 0, stderr: '' });
    expect(helps[index]?.stdout).toContain(`Usage: runtrackd ${command}`);
    expect(helps[index]?.stdout).toContain('Example');
  }
});

test.concurrent('--version prints the version alone', async ({ scene }) => {
  expect(await scene.start(['--version']).end()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
});

test.concurrent.for([
  { args: ['lst'], says: 'Did you mean list?' },
  { args: ['list', '--stat', 'parked'], says: '--state' },
  { args: ['list', '--state', 'broken'], says: 'Allowed choices are settling' },
  { args: ['list', '--limit', '-1'], says: 'whole number' },
  { args: ['list', '--limit', 'all'], says: 'whole number' },
  { args: ['list', '--since', 'yesterday-ish'], says: 'say a time' },
  { args: ['show'], says: "missing required argument 'run'" },
  { args: ['show', 'a', 'b'], says: 'too many arguments' },
  { args: ['run', '--wait-max', '5'], says: 'say a duration' },
  { args: ['platform', '--port', '70000'], says: 'port from 0 to 65535' },
  { args: ['platform', '--apps', 'ok-app,No'], says: '"No" is no app id' },
  { args: ['platform', '--api-key-file', './no-such-file'], says: 'cannot be read' },
  { args: ['parse-log'], says: "missing required argument 'files'" },
  { args: ['retry'], says: 'say which runs to retry' },
  { args: ['skip'], says: 'say which runs to skip' },
  { args: ['retry', 'monday', '--all'], says: 'either names or --all' },
  { args: [], says: 'Usage: runtrackd' },
])('"runtrackd $args" is wrong usage', async ({ args, says }, { scene }) => {
  const finished = await scene.start(args).end();
  expect(finished).toMatchObject({ code: 2, stdout: '' });
  expect(finished.stderr).toContain(says);
});

test.concurrent(
  'nothing of any command is coloured in a pipe, whatever the terminal could show',
  async ({ scene }) => {
    const { done } = await openGallery(scene);
    const lines = [
      ['status'],
      ['list'],
      ['show', done],
      ['show', 'open'],
      ['show', 'nothing'],
      ['retry', '--all', '--dry-run'],
      ['skip', done],
      ['scan', '--dry-run'],
      ['check-config'],
      ['list', '--stat'],
    ];
    const finished = await Promise.all(
      lines.map(([command = '', ...rest]) =>
        scene
          .start([command, '-c', scene.configFile, ...rest], {
            TERM: 'xterm-256color',
            COLORTERM: 'truecolor',
          })
          .end(),
      ),
    );
    for (const { stdout, stderr } of finished) {
      expect(stdout + stderr).not.toBe('');
      expect(stdout + stderr).not.toContain('\u001b');
    }
  },
);
