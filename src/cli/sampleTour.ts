/**
 * `run --sample`: shows a newcomer the main job done. A real solver's run folder is dropped in once, and what becomes of
 * it is told in plain words, on stderr.
 */
import { cp, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { z } from 'zod';
import type { Config, DropRootConfig } from '../config/config.ts';
import { resultFileName } from '../core/ownFiles.ts';
import type { RunStory } from '../http/operations.ts';
import type { Service } from '../service/service.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { tell } from './common.ts';

const sampleFolder = fileURLToPath(new URL('../../docs/sample/weekly-plan', import.meta.url));
const sampleName = 'sample-weekly-plan';
/** Each wait for a change ends after this, so that a shutdown is noticed. */
const waitMs = 1_000;

export class SampleTour {
  readonly #service: Service;
  readonly #config: Config;
  readonly #root: DropRootConfig;
  readonly #wasThere: boolean;

  private constructor(service: Service, config: Config, root: DropRootConfig, wasThere: boolean) {
    this.#service = service;
    this.#config = config;
    this.#root = root;
    this.#wasThere = wasThere;
  }

  /** Drops the sample into the first drop root, unless it was dropped there before. */
  static async begin(config: Config, service: Service): Promise<SampleTour> {
    const [root] = config.dropRoots;
    if (root === undefined) throw new CommandFailure(exitCodes.usage, '--sample needs a drop root');
    if (config.platform.kind !== 'stand-in') {
      throw new CommandFailure(
        exitCodes.usage,
        '--sample is for the stand-in: it would put a sample run into your real account',
      );
    }
    const target = join(root.path, sampleName);
    const wasTracked = (await service.outbox.runsAtPath(root.name, sampleName, 1)).length > 0;
    const isThere = (await lstat(target).catch(() => null)) !== null;
    if (!wasTracked && !isThere) await drop(root.path, target);
    return new SampleTour(service, config, root, wasTracked);
  }

  /** Tells what happens to the sample until its result is there, then what to try next. */
  async follow(stop: AbortSignal): Promise<void> {
    this.#welcome();
    const story = await this.#result(stop);
    if (story === null) return;
    tell('');
    if (story.state === 'recorded') await this.#tellResult(story);
    else tell(`The sample is ${story.state}: ${story.reason?.text ?? 'see `show`'}. ${story.hint ?? ''}`);
    this.#tellNext();
  }

  #welcome(): void {
    const { stateDir } = this.#config;
    tell(styleText('bold', 'runtrackd: every complete run folder becomes exactly one run on the platform.'));
    tell('');
    tell(`  watching   ${this.#root.path}`);
    tell(
      `  platform   the stand-in at ${this.#service.endpoint}: a local server that speaks the platform's contract`,
    );
    tell(`  state      ${stateDir}`);
    tell('');
    if (!this.#wasThere) {
      tell(`A sample was dropped in: ${sampleName}, a week's production plan, really solved by GLPK.`);
      tell('Watch what becomes of it:');
    }
  }

  async #result(stop: AbortSignal): Promise<RunStory | null> {
    const wanted = {
      text: join(this.#root.path, sampleName),
      path: join(this.#root.path, sampleName),
      generation: null,
    };
    const { answers, changes } = this.#service;
    while (!stop.aborted) {
      const seen = changes.count;
      const story = await answers.show(wanted).catch(() => null);
      const isOver =
        story !== null &&
        ['recorded', 'parked', 'rejected', 'skipped', 'gone', 'superseded', 'overdue'].includes(story.state);
      if (isOver) return story;
      await changes.next(seen, waitMs);
    }
    return null;
  }

  async #tellResult(story: RunStory): Promise<void> {
    const result = join(story.folder, resultFileName);
    tell(
      styleText(
        'green',
        this.#wasThere
          ? 'The sample was tracked before, and its result is still here:'
          : 'Done. What happened:',
      ),
    );
    if (!this.#wasThere) {
      for (const { state, note } of story.history) tell(`  ${state.padEnd(9)} ${note}`);
      tell('');
      tell('The result came back and lies beside the files of the solver:');
    }
    tell(`  ${shown(result)}`);
    const facts = await readFacts(result);
    tell(facts ?? `  (it is not there any more; \`show\` still knows the run: ${story.run_id ?? ''})`);
  }

  #tellNext(): void {
    const config = `-c ${shown(this.#config.file)}`;
    tell('');
    tell(styleText('bold', 'Try next, in another terminal:'));
    tell(`  cp -r docs/sample/weekly-plan ${shown(join(this.#root.path, 'my-first-run'))}`);
    tell(`  node dist/main.js list ${config}`);
    tell(`  node dist/main.js show my-first-run ${config}`);
    // Its link opens the page in a browser.
    tell(`  node dist/main.js status --open ${config}`);
    tell('');
    tell(`Or drop a folder of your own into ${this.#root.path}`);
    tell('  with input.json, output.json, and last a meta.json like {"status":"succeeded","duration":42}.');
    tell('Ctrl-C ends it.');
    tell('');
  }
}

/** Built aside and renamed in, as is recommended to everyone. The name aside begins with a dot, so it is ignored. */
async function drop(root: string, target: string): Promise<void> {
  const aside = join(root, `.${sampleName}`);
  await mkdir(root, { recursive: true });
  await rm(aside, { recursive: true, force: true });
  await cp(sampleFolder, aside, { recursive: true });
  await rename(aside, target);
}

const resultShape = z.looseObject({
  id: z.string(),
  metadata: z.looseObject({ status_v2: z.string(), execution_duration: z.number().nullish() }),
});

async function readFacts(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  const read = resultShape.safeParse(parsed(text));
  if (!read.success) return '  (it is damaged: nothing can be read in it)';
  const { id, metadata } = read.data;
  const seconds =
    metadata.execution_duration == null ? '' : `, solved in ${String(metadata.execution_duration / 1000)} s`;
  return `  run ${id}: ${metadata.status_v2}${seconds}`;
}

/** @returns undefined for what is no JSON */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Shorter to read and to type, where the path lies below the working directory. */
function shown(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') ? path : below;
}
