/**
 * `npm run screenshots`: the pictures of the status page in the README, from a real daemon on the embedded stand-in with
 * sample runs, in Debian's Chromium.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(project, 'dist/main.js');
const images = join(project, 'docs/images');
const waitMsMax = 120_000;

const dir = mkdtempSync(join(tmpdir(), 'rt-shots-'));
const config = join(dir, 'config.yaml');
for (const root of ['routing', 'crew-rostering']) mkdirSync(join(dir, root));
writeFileSync(
  config,
  JSON.stringify({
    state_dir: './state',
    host: 'planner-03',
    platform: { kind: 'stand-in' },
    http: { listen: '127.0.0.1:0' },
    drop_roots: ['routing', 'crew-rostering'].map((name) => ({
      path: `./${name}`,
      app: name,
      quiet: '300ms',
    })),
  }),
);

function drop(root, name, { log, ...meta }) {
  const aside = join(dir, 'aside');
  mkdirSync(aside);
  writeFileSync(join(aside, 'input.json'), JSON.stringify({ name }));
  writeFileSync(join(aside, 'output.json'), JSON.stringify({ plan: name }));
  if (log)
    writeFileSync(join(aside, 'run.log'), readFileSync(join(project, 'test/solverlog/logs', log, 'run.log')));
  writeFileSync(join(aside, 'meta.json'), JSON.stringify(meta));
  renameSync(aside, join(dir, root, name));
}

function status() {
  return JSON.parse(spawnText('status', '-c', config, '--json'));
}

/** Its exit code tells whether something needs a person, which is so here. */
function spawnText(...args) {
  try {
    return execFileSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  } catch (error) {
    if (error.stdout) return error.stdout;
    throw error;
  }
}

async function until(what, isSo) {
  const giveUpMs = performance.now() + waitMsMax;
  while (!isSo()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for ${what}`);
    await sleep(500);
  }
}

const daemon = spawn(process.execPath, [program, 'run', '-c', config], { stdio: 'ignore' });
try {
  await until('the page', () => status().http !== null);
  const logs = ['gurobi-mip-track', 'highs-mip-track', 'scip-mip-track', 'gurobi-time-feasible'];
  for (let run = 0; run < 30; run += 1) {
    const isFailed = run % 11 === 7;
    drop('routing', `plan-${String(run + 1).padStart(3, '0')}`, {
      log: logs[run % logs.length],
      status: isFailed ? 'failed' : 'succeeded',
      duration: 20 + ((run * 37) % 60),
      ...(isFailed ? { error: 'out of memory' } : {}),
    });
  }
  for (let week = 1; week <= 12; week += 1)
    drop('crew-rostering', `week-${week}`, { status: 'succeeded', duration: 300 + ((week * 91) % 200) });
  drop('crew-rostering', 'week-13', { status: 'sucesful', duration: 300 });
  await until(
    'the runs to be recorded',
    () => status().counts.recorded === 42 && status().counts.rejected === 1,
  );
  mkdirSync(join(dir, 'routing', 'plan-031'));
  writeFileSync(join(dir, 'routing', 'plan-031', 'input.json'), '{}');
  await until('the folder that is being written', () => status().counts.settling === 1);

  const link = spawnText('status', '-c', config, '--open').trim();
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'],
  });
  mkdirSync(images, { recursive: true });
  const desktop = await browser.newContext({ viewport: { width: 1280, height: 1240 } });
  await shoot(desktop, link, 'status-desktop.png');
  const phone = await browser.newContext({
    viewport: { width: 390, height: 844 },
    colorScheme: 'dark',
    deviceScaleFactor: 2,
  });
  await shoot(phone, spawnText('status', '-c', config, '--open').trim(), 'status-phone.png');
  await browser.close();
} finally {
  const ended = new Promise((done) => daemon.once('exit', done));
  daemon.kill('SIGTERM');
  await ended;
  rmSync(dir, { recursive: true, force: true });
}

async function shoot(context, link, name) {
  const page = await context.newPage();
  await page.goto(link);
  await page.waitForURL(`${new URL(link).origin}/`);
  await page.locator('#live', { hasText: 'live' }).waitFor();
  await page.screenshot({ path: join(images, name) });
}
