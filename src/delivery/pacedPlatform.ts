/**
 * The platform, asked at the pace of the budget: each request takes its slot first and tells what came of it. One that
 * is refused as one too many (429) goes back to the front of its line and costs nobody a try.
 */
import { rateLimited, RuntrackdError, type Failure } from '../core/failure.ts';
import type { Measures, RequestClass } from '../core/measures.ts';
import type { Created, PlatformClient, ReadAnswer, UploadTicket } from '../platform/client.ts';
import type { CreateRunRequest, RunPage } from '../platform/wire.ts';
import type { Budget, RequestLine, Ticket } from './budget.ts';

/** Who reads the lists: for whether the outbox knows what it did, or for runs whose outcome is unknown. */
export type ListReader = 'proof' | 'reconcile';

/** A page: how many there are up to it, with itself. */
export interface PageRead {
  readonly reader: ListReader;
  readonly depth: number;
}

export class PacedPlatform {
  readonly budget: Budget;
  readonly #platform: PlatformClient;
  readonly #measures: Measures;
  /** Of each list and each of those that read it: the page that was farthest from the beginning. */
  readonly #deepest = new Map<string, number>();

  constructor(platform: PlatformClient, budget: Budget, measures: Measures) {
    this.#platform = platform;
    this.budget = budget;
    this.#measures = measures;
  }

  get endpoint(): URL {
    return this.#platform.endpoint;
  }

  platformTimeMs(): number {
    return this.#platform.platformTimeMs();
  }

  /** A probe: asked when it is due, because whoever waits for the end of a pause has stopped asking anything else. */
  async application(app: string, signal: AbortSignal): Promise<void> {
    await this.#measured('probe', () => this.#platform.application(app, signal));
  }

  async createUpload(app: string, signal: AbortSignal): Promise<UploadTicket> {
    return await this.#asking('upload', signal, () => this.#platform.createUpload(app, signal));
  }

  async putUpload(...given: Parameters<PlatformClient['putUpload']>): Promise<void> {
    await this.#measured('put', () => this.#platform.putUpload(...given));
    const [, , bytes] = given;
    this.#measures.bytesSent(bytes);
  }

  /**
   * The slot for one `createRun`, to be had before the intent is written down; one without a request is handed back.
   * @param isAgain this run was refused as one too many: it does not stand in line anew
   */
  async slotForRun(signal: AbortSignal, isAgain = false): Promise<Ticket> {
    return await this.budget.take('create', signal, isAgain);
  }

  /** @param slot from `slotForRun`, used up by this */
  async createRun(
    slot: Ticket,
    app: string,
    instance: string | null,
    body: CreateRunRequest,
    signal: AbortSignal,
  ): Promise<Created> {
    const created = await this.#platform.createRun(app, instance, body, signal);
    this.#measures.requestEnded('create', created.kind === 'made' ? 200 : (created.failure.status ?? null));
    if (created.kind === 'made') slot.accepted();
    else if (created.failure.class === rateLimited) slot.refused(created.failure.retryAfterMs);
    else if (hadRoom(created.failure)) slot.accepted();
    return created;
  }

  async runResult(app: string, runId: string, byUrl: boolean, signal: AbortSignal): Promise<ReadAnswer> {
    return await this.#asking('result', signal, () => this.#platform.runResult(app, runId, byUrl, signal));
  }

  async runMetadata(app: string, runId: string, signal: AbortSignal): Promise<ReadAnswer> {
    return await this.#asking('result', signal, () => this.#platform.runMetadata(app, runId, signal));
  }

  async listRuns(app: string, token: string | null, read: PageRead, signal: AbortSignal): Promise<RunPage> {
    const page = await this.#asking('list', signal, () => this.#platform.listRuns(app, token, signal));
    const reader = `${read.reader} ${app}`;
    this.#deepest.set(reader, Math.max(this.#deepest.get(reader) ?? 0, read.depth));
    return page;
  }

  /**
   * How many pages of lists have come, each counted once for each reader: who reads a long one gets on, and has nothing else
   * to show for it; who reads the same ones again does not.
   */
  pagesRead(): number {
    return [...this.#deepest.values()].reduce((sum, depth) => sum + depth, 0);
  }

  async download(answer: unknown, bytesMax: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const bytes = await this.#measured('download', () => this.#platform.download(answer, bytesMax, signal));
    return counting(bytes, this.#measures);
  }

  /** Says how it was answered, whatever comes of that. */
  async #measured<T>(what: RequestClass, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#measures.requestEnded(what, 200);
      return result;
    } catch (error) {
      // What another error says is not about an answer: a file that changed, a wait that was cut off.
      if (error instanceof RuntrackdError) this.#measures.requestEnded(what, error.failure.status ?? null);
      throw error;
    }
  }

  async #asking<T>(line: RequestLine, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let isAgain = false; ; isAgain = true) {
      const slot = await this.budget.take(line, signal, isAgain);
      try {
        const result = await this.#measured(line, work);
        slot.accepted();
        return result;
      } catch (error) {
        if (!(error instanceof RuntrackdError)) throw error;
        const { failure } = error;
        if (failure.class === rateLimited) {
          slot.refused(failure.retryAfterMs);
          continue;
        }
        if (hadRoom(failure)) slot.accepted();
        throw error;
      }
    }
  }
}

/**
 * It was answered, if only by a refusal: the limit had room for it. Where no answer came, or none that says anything of
 * limits, the pace neither grows nor narrows.
 */
function hadRoom({ status }: Failure): boolean {
  return status !== undefined && status < 500;
}

async function* counting(bytes: AsyncIterable<Uint8Array>, measures: Measures): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    measures.bytesReceived(piece.length);
    yield piece;
  }
}
