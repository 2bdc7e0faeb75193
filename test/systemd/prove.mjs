/**
 * The unit under a real systemd: a small Debian is made once and booted in a container, the unit is installed in it by the
 * command that users have, and the daemon is started, killed, stopped in its tracks, and given other configurations and another key.
 *
 *   npm run test:systemd        (root, debootstrap and systemd-container; about a minute, the first time two)
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../..', import.meta.url));
const local = join(project, 'local');
const base = join(local, 'systemd-base');
const machine = join(local, 'systemd-machine');

function missing() {
  if (process.getuid?.() !== 0) return 'only root can boot a container';
  for (const tool of ['debootstrap', 'systemd-nspawn'])
    if (spawnSync('which', [tool]).status !== 0)
      return `${tool} is not installed (apt-get install debootstrap systemd-container)`;
  return null;
}

const why = missing();
if (why !== null) {
  console.error(`SKIPPED: the unit under a real systemd: ${why}`);
  process.exit(1);
}
mkdirSync(local, { recursive: true });
if (!existsSync(join(base, 'usr/bin/systemctl'))) {
  console.error('making a small Debian, once');
  execFileSync(
    'debootstrap',
    ['--variant=minbase', '--include=systemd,systemd-sysv,dbus', 'bookworm', base],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}
rmSync(machine, { recursive: true, force: true });
execFileSync('cp', ['-a', base, machine]);
const inside = (path) => join(machine, path);
mkdirSync(inside('proof'));
cpSync(join(project, 'test/systemd/proof.sh'), inside('proof/proof.sh'));
writeFileSync(
  inside('etc/systemd/system/proof.service'),
  '[Service]\nType=exec\nExecStart=/bin/bash /proof/proof.sh\n[Install]\nWantedBy=multi-user.target\n',
);
execFileSync('ln', [
  '-s',
  '/etc/systemd/system/proof.service',
  inside('etc/systemd/system/multi-user.target.wants/proof.service'),
]);
// The interpreter of this machine, with the libraries that it needs.
const node = realpathSync(process.execPath);
cpSync(node, inside('usr/bin/node'));
for (const [, library] of execFileSync('ldd', [node], { encoding: 'utf8' }).matchAll(/=> (\/\S+)/g)) {
  const target = inside(library.slice(1));
  if (existsSync(target)) continue;
  mkdirSync(dirname(target), { recursive: true });
  cpSync(realpathSync(library), target);
}
const bind = (name) => `--bind-ro=${join(project, name)}:/opt/runtrackd/${name}`;
const booted = spawnSync(
  'systemd-nspawn',
  [
    '--quiet',
    '--boot',
    '--register=no',
    '--keep-unit',
    '--console=pipe',
    `--directory=${machine}`,
    ...['dist', 'node_modules', 'package.json'].map(bind),
  ],
  { stdio: 'ignore', timeout: 10 * 60_000 },
);
const read = (name) =>
  existsSync(inside(`proof/${name}`)) ? readFileSync(inside(`proof/${name}`), 'utf8') : '';
const lines = read('out').trim().split('\n');
for (const line of lines) if (line !== 'end') console.log(line);
const isWhole = lines.at(-1) === 'end' && !lines.some((line) => line.startsWith('FAILED'));
if (!isWhole) {
  console.error(booted.error ?? '', read('script.log'), read('journal').split('\n').slice(-40).join('\n'));
  process.exitCode = 1;
}
rmSync(machine, { recursive: true, force: true });
