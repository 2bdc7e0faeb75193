/** An outbox in a directory of its own, and runs to put into it. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { DirectoryIdentity, FolderContent } from '../../src/core/content.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Conclusion, Happening } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import type { Upload } from '../../src/core/run.ts';
import type { Claim, Enqueued, NewRun, Proof } from '../../src/outbox/nouns.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import type { Chance } from '../../src/outbox/runRows.ts';

export const now = 1_700_000_000_000;
export const chance: Chance = { nowMs: now, random: 0.5, policy: defaultPolicy };
export const later = (ms: number): Chance => ({ ...chance, nowMs: now + ms });
/** Long after everything is due. */
export const far = now + 365 * 86_400_000;

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'outbox-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function opened(stateDir = temporaryFolder()): Promise<Outbox> {
  const outbox = await openOutbox(stateDir);
  onTestFinished(() => outbox.close());
  return outbox;
}

export const platform = 'https://platform.test';

/** What is due, so many at most, in the order in which it is taken in hand. */
export async function claimed(
  outbox: Outbox,
  nowMs: number,
  limit: number,
  pausedApps: readonly string[] = [],
  of = platform,
): Promise<readonly Claim[]> {
  const room = { inHand: limit, unposted: limit, uploads: limit };
  return (await outbox.claimInTurn(of, nowMs, room, 0, pausedApps)).runs;
}

let inodes = 1_000;
export function newDirectory(): DirectoryIdentity {
  inodes += 1;
  return { dev: '65024', ino: String(inodes), birthNs: `17000000000000${inodes}` };
}

export function contentWith(text: string, aside = 'log'): FolderContent {
  return {
    generation: createHash('sha256').update(text).digest('hex'),
    asideDigest: aside,
    files: [],
    filesMark: 'mark',
    meta: {
      status: 'succeeded',
      durationMs: null,
      error: null,
      name: null,
      description: null,
      instanceId: null,
      options: {},
      batchExperimentId: null,
      appId: null,
      metrics: null,
      logs: null,
    },
    warnings: [],
  };
}

export interface Wanted {
  readonly path?: string;
  readonly text?: string;
  readonly aside?: string;
  readonly app?: string;
  readonly directory?: DirectoryIdentity;
  readonly movedFrom?: number;
  readonly movedAway?: NewRun['movedAway'];
  readonly doubt?: Failure;
  readonly again?: boolean;
  readonly isAppAsked?: true;
  readonly isBacklog?: boolean;
  readonly newestFileChangeMs?: number;
  readonly newestWriteMs?: number;
  /** By the first key of its path, unless another one is said. */
  readonly believed?: Pick<Proof, 'runId'> & Partial<Proof>;
}

export function newRun(wanted: Wanted = {}): NewRun {
  const content = contentWith(wanted.text ?? 'A', wanted.aside);
  const path = wanted.path ?? 'weekly';
  return {
    key: {
      version: 1,
      platform,
      app: wanted.app ?? 'hare-app',
      host: 'solver-7',
      dropRoot: 'plans',
      generation: content.generation,
    },
    path,
    directory: wanted.directory ?? newDirectory(),
    signature: 'signature',
    content,
    settings: {
      ...{ instance: null, name: 'weekly', description: '', options: {}, batchExperimentId: null },
      ...(wanted.isAppAsked === true ? { isAppAsked: true } : {}),
    },
    movedFrom: wanted.movedFrom ?? null,
    movedAway: wanted.movedAway ?? [],
    doubt: wanted.doubt ?? null,
    target: `${platform} hare-app`,
    again: wanted.again ?? false,
    isBacklog: wanted.isBacklog ?? false,
    newestWriteMs: wanted.newestWriteMs ?? now,
    newestFileChangeMs: wanted.newestFileChangeMs ?? now,
    believed: wanted.believed ? { firstPath: path, counter: 1, ...wanted.believed } : null,
  };
}

const uploads: readonly Upload[] = [{ role: 'input', uploadId: 'u-1', askedAtMs: now }];
export const trouble = {
  class: 'trouble',
  text: 'there was trouble',
  hint: 'mend it',
  reach: 'run',
} as const;

export const put = (outbox: Outbox, wanted: Wanted = {}): Promise<Enqueued> =>
  outbox.enqueue(newRun(wanted), chance);

export async function stateOf(outbox: Outbox, run: number): Promise<string> {
  return (await outbox.run(run))?.life.state.kind ?? 'absent';
}

/** The happenings that lead from queued to a state on the road. */
export const road = {
  queued: [],
  uploaded: [{ kind: 'uploadsLanded', uploads, failure: null }],
  intended: [
    { kind: 'uploadsLanded', uploads, failure: null },
    { kind: 'intended', platformTimeMs: now },
  ],
  unknown: [
    { kind: 'uploadsLanded', uploads, failure: null },
    { kind: 'intended', platformTimeMs: now },
    { kind: 'unclear', failure: trouble, endedAtMs: now },
  ],
  tracked: [
    { kind: 'uploadsLanded', uploads, failure: null },
    { kind: 'intended', platformTimeMs: now },
    { kind: 'made', runId: 'run-a' },
  ],
  recorded: [
    { kind: 'uploadsLanded', uploads, failure: null },
    { kind: 'intended', platformTimeMs: now },
    { kind: 'made', runId: 'run-a' },
    { kind: 'final', status: 'succeeded' },
    { kind: 'written', path: 'weekly/nextmv-result.json' },
  ],
} as const satisfies Record<string, readonly Happening[]>;

export function concluded(claim: Pick<Claim, 'life'>, happening: Happening): Conclusion {
  return advance(claim.life, happening, now, 0.5, defaultPolicy);
}

/** Claims the one run that is due and takes it along the road in one hand, which it keeps if `keep` is said. */
export async function taken(
  outbox: Outbox,
  run: number,
  happenings: readonly Happening[],
  keep = false,
): Promise<Claim> {
  let claim = await outbox.claimRun(platform, run, far);
  if (claim === null) throw new Error(`run ${run} cannot be claimed`);
  if (happenings.length === 0 && !keep) await outbox.release(claim, now);
  for (const [index, happening] of happenings.entries()) {
    const conclusion = concluded(claim, happening);
    const isLast = index === happenings.length - 1;
    const answer = await outbox.conclude(claim, conclusion, keep || !isLast, now);
    if (answer !== true)
      throw new Error(
        `not concluded: ${answer === 'runIdTaken' ? answer : answer === false ? 'the claim is old' : 'it made way'}`,
      );
    claim = { ...claim, life: conclusion.life };
  }
  return claim;
}

type Child = ChildProcessByStdio<null, Readable, null>;

/** A process of its own that opens the outbox and does what the script says with it. */
export function childWith(stateDir: string, script: string): Child {
  const built = (path: string): string => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);
  const whole = `
    import { openOutbox } from ${built('outbox/outbox.js')};
    const wanted = ${JSON.stringify(newRun())};
    const chance = ${JSON.stringify(chance)};
    const say = (word) => process.stdout.write(word + '\\n');
    const outbox = await openOutbox(${JSON.stringify(stateDir)}).catch((error) => {
      say(error.name);
      process.exit(75);
    });
    say('open');
    ${script}`;
  const path = join(temporaryFolder(), 'child.mjs');
  writeFileSync(path, whole);
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
