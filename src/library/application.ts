/** An app on the platform: recording runs in it, and reading them back. The nouns are those of the official SDK. */
import { RuntrackdError } from '../core/failure.ts';
import { appIdPattern } from '../core/appId.ts';
import { cutUtf8 } from '../core/description.ts';
import { descriptionBytesMax, inlineOutputBytesMax, nameCharsMax } from '../platform/wire.ts';
import {
  applicationOf,
  assetOf,
  listedOf,
  type ApplicationInformation,
  type AssetInformation,
  type ListedRun,
  type RunContent,
  type RunInformation,
  type RunResult,
  type RunStatus,
} from './answers.ts';
import { badInput } from './badInput.ts';
import { called, ownSignal, reasonOver, type SignalOption } from './calling.ts';
import { Client } from './client.ts';
import { forPrograms } from './hints.ts';
import { configurationOf, formatsOf } from './configuration.ts';
import { listPages } from './listPages.ts';
import { prepareRun } from './preparedRun.ts';
import {
  checkResultOptions,
  readAsset,
  readDocument,
  readFinalResult,
  readLogs,
  readMetadata,
  readResult,
  type ContentOptions,
  type ResultOptions,
} from './readingBack.ts';
import { checkTrackOptions, optionTexts, recordRun, type Place, type TrackRunOptions } from './recording.ts';
import { TrackedRun, type TrackedRunFields } from './trackedRun.ts';

/** How a run is recorded, how long its result is waited for, and where its output goes. */
export interface TrackRunWithResultOptions extends TrackRunOptions, ResultOptions {}

/** An app on the platform. */
export class Application {
  readonly id: string;
  readonly client: Client;
  readonly #place: Place;

  /** @throws RuntrackdError (bad-input) when the id has not the form of one, and what `new Client()` throws */
  constructor({ client, id }: { readonly client?: Client; readonly id: string }) {
    if (typeof id !== 'string' || !appIdPattern.test(id))
      throw badInput(
        `${JSON.stringify(id)} is no app id`,
        'An app id has 3 to 30 lowercase letters, digits, dots and dashes, with no dot or dash at an end.',
      );
    this.id = id;
    this.client = client ?? new Client();
    this.#place = { client: this.client, app: id };
  }

  /** `GET /v1/applications/{app}`: does it exist, and may the key use it? @throws RuntrackdError (app-not-found, …) */
  async get(options: SignalOption = {}): Promise<ApplicationInformation> {
    return await called(options, async (signal) =>
      applicationOf(await this.client.ask((platform) => platform.application(this.id, signal), signal)),
    );
  }

  /**
   * Records a run that has been done somewhere else (contract: create run).
   * Nothing is sent before everything that can be checked here is right.
   * @returns the run's id
   * @throws RuntrackdError: `bad-input` and `source-changed` before anything was recorded; `outcome-unknown` when the
   *   answer to the one request that makes the run did not come
   */
  async trackRun(run: TrackedRun | TrackedRunFields, options: TrackRunOptions = {}): Promise<string> {
    return await called(options, async (signal) => (await this.#track(run, options, signal)).runId);
  }

  /**
   * The same, and waits until the run is final, which it is at once nearly always.
   * @returns what the platform recorded
   */
  async trackRunWithResult(
    run: TrackedRun | TrackedRunFields,
    options: TrackRunWithResultOptions = {},
  ): Promise<RunResult> {
    checkResultOptions(options);
    return await called(options, async (signal) => {
      const { runId, isByUrl } = await this.#track(run, options, signal);
      try {
        return await readFinalResult(this.#place, runId, isByUrl, options, signal);
      } catch (error) {
        // Whoever only learns that it failed would track the run a second time.
        if (!(error instanceof RuntrackdError)) throw error;
        throw new RuntrackdError({ ...error.failure, runId }, { cause: error.cause });
      }
    });
  }

  /** The run without its output (contract: metadata). */
  async runMetadata(runId: string, options: SignalOption = {}): Promise<RunInformation> {
    checkId('run', runId);
    return await called(options, (signal) => readMetadata(this.#place, runId, signal));
  }

  /**
   * What came of a final run. Its output is fetched by URL where it is large or not JSON.
   * @throws RuntrackdError (not-final) while it is queued or running
   */
  async runResult(runId: string, options: ContentOptions = {}): Promise<RunResult> {
    checkId('run', runId);
    checkResultOptions(options);
    return await called(options, (signal) => readResult(this.#place, runId, options, signal));
  }

  /** The same, waiting until the run is final. @throws RuntrackdError (polling-timeout, polling-tries, polling-stopped) */
  async runResultWithPolling(runId: string, options: ResultOptions = {}): Promise<RunResult> {
    checkId('run', runId);
    checkResultOptions(options);
    return await called(options, (signal) => readFinalResult(this.#place, runId, false, options, signal));
  }

  /** The input as it was recorded. */
  async runInput(runId: string, options: ContentOptions = {}): Promise<RunContent> {
    checkId('run', runId);
    checkResultOptions(options);
    return await called(options, (signal) => readDocument(this.#place, runId, 'input', options, signal));
  }

  /** The output alone, as it was recorded; of a failed run too, where it has one. */
  async runOutput(runId: string, options: ContentOptions = {}): Promise<RunContent> {
    checkId('run', runId);
    checkResultOptions(options);
    return await called(options, (signal) => readDocument(this.#place, runId, 'output', options, signal));
  }

  /** The solver's log as one text. */
  async runLogs(runId: string, options: Omit<ContentOptions, 'directory'> = {}): Promise<string> {
    checkId('run', runId);
    checkResultOptions(options);
    return await called(options, (signal) => readLogs(this.#place, runId, options, signal));
  }

  /** What there is to look at beside the figures of a run. */
  async runAssets(runId: string, options: SignalOption = {}): Promise<AssetInformation[]> {
    checkId('run', runId);
    return await called(options, async (signal) => {
      const { items } = await this.client.ask(
        (platform) => platform.runAssets(this.id, runId, signal),
        signal,
      );
      return items.map(assetOf);
    });
  }

  /** The content of one asset: JSON. */
  async runAsset(
    runId: string,
    assetId: string,
    options: Omit<ContentOptions, 'directory'> = {},
  ): Promise<unknown> {
    checkId('run', runId);
    checkId('asset', assetId);
    checkResultOptions(options);
    return await called(options, (signal) => readAsset(this.#place, runId, assetId, options, signal));
  }

  /**
   * All runs of the app, page by page as they are wanted, in the order of the platform. Filtered here where a status is
   * wanted: the platform has no filter.
   */
  async *listRuns({
    status,
    signal: given,
  }: { readonly status?: RunStatus } & SignalOption = {}): AsyncGenerator<ListedRun> {
    const signal = ownSignal(given);
    try {
      for await (const page of listPages(this.#place, signal)) {
        for (const run of page.runs.map(listedOf)) {
          signal.throwIfAborted();
          if (status === undefined || run.status === status) yield run;
        }
      }
    } catch (error) {
      throw forPrograms(reasonOver(error, signal));
    }
  }

  /**
   * Gives a run another name or description, cut as those of a new run are. A fingerprint in the description is lost if
   * it is not repeated.
   */
  async updateRun(
    runId: string,
    words: { readonly name?: string; readonly description?: string } & SignalOption,
  ): Promise<void> {
    checkId('run', runId);
    const { name, description } = words;
    if (name === undefined && description === undefined)
      throw badInput('neither a name nor a description is given', 'Say what is to be changed.');
    for (const text of [name, description])
      if (text !== undefined && typeof text !== 'string')
        throw badInput('name and description must be texts', 'Correct these and update the run again.');
    const changed = {
      ...(name === undefined ? {} : { name: Array.from(name).slice(0, nameCharsMax).join('') }),
      ...(description === undefined ? {} : { description: cutUtf8(description, descriptionBytesMax) }),
    };
    await called(words, (signal) =>
      this.client.ask((platform) => platform.updateRun(this.id, runId, changed, signal), signal),
    );
  }

  /** Cancels a run that is not final. Not repeated when the answer is lost: ask for the run then. */
  async cancelRun(runId: string, options: SignalOption = {}): Promise<void> {
    checkId('run', runId);
    await called(options, (signal) => this.client.platform.cancelRun(this.id, runId, signal));
  }

  /** Deletes a run for good. */
  async deleteRun(runId: string, options: SignalOption = {}): Promise<void> {
    checkId('run', runId);
    let tries = 0;
    await called(options, (signal) =>
      this.client.ask(async (platform) => {
        tries += 1;
        try {
          await platform.deleteRun(this.id, runId, signal);
        } catch (error) {
          // The first answer may have been lost after the run was deleted.
          const isGone = tries > 1 && error instanceof RuntrackdError && error.status === 404;
          if (!isGone) throw error;
        }
      }, signal),
    );
  }

  async #track(
    given: TrackedRun | TrackedRunFields,
    options: TrackRunOptions,
    signal: AbortSignal,
  ): Promise<{ readonly runId: string; readonly isByUrl: boolean }> {
    checkTrackOptions(options);
    const run = given instanceof TrackedRun ? given : new TrackedRun(given);
    const words = {
      name: run.name ?? null,
      description: run.description ?? null,
      options: optionTexts(options.options),
      configuration: configurationOf(options.configuration),
      batchExperimentId: options.batchExperimentId ?? null,
      status: run.status,
      durationMs: run.duration === undefined ? null : Math.round(run.duration * 1_000),
      error: run.error ?? null,
    };
    const prepared = await prepareRun(run, formatsOf(options.configuration), this.client.spoolDir, signal);
    try {
      const runId = await recordRun(this.#place, prepared, words, options, signal);
      const isInline = prepared.formats.output === 'json' && prepared.outputBytes <= inlineOutputBytesMax;
      return { runId, isByUrl: run.status === 'succeeded' && !isInline };
    } finally {
      await prepared.close();
    }
  }
}

/** Ids stand in paths; one of dots alone would lead out of the run, and `deleteRun('..')` to the app itself. */
function checkId(what: 'run' | 'asset', id: string): void {
  if (typeof id === 'string' && /^(?!\.{1,2}$)[^\s/?#\\]{1,256}$/.test(id)) return;
  throw badInput(
    `${JSON.stringify(id)} is no ${what} id`,
    `Give the id of the ${what} as the platform says it.`,
  );
}
