/**
 * The platform in our words: one method for each thing that recording an external run, or reading one back, asks of it.
 * Each request is tried once; what becomes of a failure is decided where the run is known.
 */
import { z } from 'zod';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { createVerdict, failureOfContent } from './answers.ts';
import { parsed } from './answerBody.ts';
import { ObjectStorage } from './objectStorage.ts';
import { Requests, type RequestOptions } from './requests.ts';
import { distrust } from './trust.ts';
import {
  applicationAnswer,
  assetAnswer,
  assetList,
  createRunAnswer,
  logAnswer,
  routes,
  runAnswer,
  runPage,
  uploadTicket,
  urlAnswer,
  type ApplicationAnswer,
  type AssetList,
  type CreateRunRequest,
  type RunAnswer,
  type RunPage,
} from './wire.ts';

export type { RequestOptions } from './requests.ts';

/** Where one artefact's bytes are to be put. The URL is a secret, and good for a quarter of an hour. */
export interface UploadTicket {
  readonly uploadId: string;
  readonly uploadUrl: string;
  readonly askedAtMs: number;
}

/** The platform's answer about a run: understood, and as it came. */
export interface ReadAnswer {
  readonly value: RunAnswer;
  readonly text: string;
  /** It was asked for with the output as a signed URL: what looks like an address is one only then. */
  readonly isByUrl: boolean;
  /** It was asked for without what the run put out. */
  readonly isMetadata?: boolean;
}

export type Created =
  | { readonly kind: 'made'; readonly runId: string }
  | { readonly kind: 'nothingMade'; readonly failure: Failure }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'unclear'; readonly failure: Failure };

/** A document of a run that can be asked for by itself. */
export type RunDocument = 'input' | 'output';

export class PlatformClient {
  readonly #requests: Requests;
  readonly #storage: ObjectStorage;

  constructor(options: RequestOptions) {
    this.#requests = new Requests(options);
    this.#storage = new ObjectStorage(this.#requests);
  }

  get endpoint(): URL {
    return this.#requests.endpoint;
  }

  /** The platform's clock as its `Date` headers show it, ms since 1970. */
  platformTimeMs(): number {
    return this.#requests.platformTimeMs();
  }

  /** `GET /v1/applications/{app}`: does the app exist, and may this key use it? The probe that ends a pause. */
  async application(app: string, signal: AbortSignal): Promise<ApplicationAnswer> {
    const asked = { what: 'asking for the app', app };
    return (await this.#requests.json(asked, 'GET', routes.application(app), applicationAnswer, signal))
      .value;
  }

  /** `POST …/runs/uploadurl`. Asking twice is harmless: an unused pair just expires. */
  async createUpload(app: string, signal: AbortSignal): Promise<UploadTicket> {
    const asked = { what: 'asking for an upload URL', app };
    const askedAtMs = this.#requests.nowMs();
    const { value } = await this.#requests.json(asked, 'POST', routes.uploadUrl(app), uploadTicket, signal);
    const reason = distrust(value.upload_url, this.endpoint);
    if (reason !== null)
      throw new RuntrackdError(failureOfContent(asked, `its upload URL is not followed, ${reason}`));
    return { uploadId: value.upload_id, uploadUrl: value.upload_url, askedAtMs };
  }

  /**
   * `PUT {upload_url}`: raw bytes, their length known, no Authorization. The same URL may be put to again.
   * @throws what `body` throws, unchanged; a RuntrackdError for everything that storage does
   */
  async putUpload(
    ticket: UploadTicket,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    bytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#storage.put(ticket.uploadUrl, body, bytes, signal);
  }

  /**
   * `POST …/runs`, once, over a connection of its own: whether a byte was sent is then known for certain.
   * Never throws for what the platform or the network does; the outcome is the answer.
   */
  async createRun(
    app: string,
    instance: string | null,
    body: CreateRunRequest,
    signal: AbortSignal,
  ): Promise<Created> {
    const asked = { what: 'making the run', app };
    const query = instance === null ? '' : `?instance_id=${encodeURIComponent(instance)}`;
    const sent = await this.#requests.once(asked, 'POST', `${routes.runs(app)}${query}`, signal, body);
    if (sent.kind === 'failed')
      return { kind: sent.wasSent ? 'unclear' : 'nothingMade', failure: sent.failure };
    const { answer } = sent;
    const made = createRunAnswer.safeParse(parsed(answer.text));
    const failure =
      answer.status < 300
        ? failureOfContent(asked, 'it names no run_id')
        : this.#requests.failureOf(asked, answer);
    const kind = createVerdict(answer.status, made.success);
    if (kind === 'made')
      return made.success ? { kind, runId: made.data.run_id } : { kind: 'unclear', failure };
    // A refusal of this one request concerns this run, whatever the status means elsewhere.
    return { kind, failure: kind === 'refused' ? { ...failure, reach: 'run' } : failure };
  }

  /** `GET …/runs/{id}`. With `byUrl` the output is given as a signed URL, as it must be when large or not JSON. */
  async runResult(
    app: string,
    runId: string,
    byUrl: boolean,
    signal: AbortSignal,
    bytesMax?: number,
  ): Promise<ReadAnswer> {
    const path = `${routes.run(app, runId)}${byUrl ? '?format=url' : ''}`;
    const asked = { what: 'asking for the result', app: null, ...limit(bytesMax) };
    const answer = await this.#requests.json(asked, 'GET', path, runAnswer, signal);
    return { ...answer, isByUrl: byUrl };
  }

  /** `GET …/runs/{id}/metadata`: the run without its output. */
  async runMetadata(app: string, runId: string, signal: AbortSignal): Promise<ReadAnswer> {
    const asked = { what: 'asking for the run', app: null };
    const answer = await this.#requests.json(asked, 'GET', routes.metadata(app, runId), runAnswer, signal);
    return { ...answer, isByUrl: false, isMetadata: true };
  }

  /** `GET …/runs/{id}/input` or `/output`: the JSON document alone, as text. */
  async runDocument(app: string, runId: string, document: RunDocument, signal: AbortSignal): Promise<string> {
    const asked = { what: `asking for the ${document}`, app: null };
    return await this.#requests.text(asked, 'GET', routes.document(app, runId, document), signal);
  }

  /** The same with `?format=url`: where the document can be fetched; to be given to `download`. */
  async runDocumentUrl(
    app: string,
    runId: string,
    document: RunDocument,
    signal: AbortSignal,
  ): Promise<unknown> {
    const asked = { what: `asking for the ${document}`, app: null };
    const path = `${routes.document(app, runId, document)}?format=url`;
    return (await this.#requests.json(asked, 'GET', path, urlAnswer, signal)).value;
  }

  /** `GET …/runs/{id}/logs`. @param bytesMax of the answer, in which the logs are a JSON text */
  async runLogs(app: string, runId: string, signal: AbortSignal, bytesMax?: number): Promise<string> {
    const asked = { what: 'asking for the logs', app: null, ...limit(bytesMax) };
    return (await this.#requests.json(asked, 'GET', routes.logs(app, runId), logAnswer, signal)).value.log;
  }

  /** `GET …/runs/{id}/assets`. */
  async runAssets(app: string, runId: string, signal: AbortSignal): Promise<AssetList> {
    const asked = { what: 'asking for the assets', app: null };
    return (await this.#requests.json(asked, 'GET', routes.assets(app, runId), assetList, signal)).value;
  }

  /** `GET …/runs/{id}/assets/{asset}`: where its content can be fetched; to be given to `download`. */
  async runAssetUrl(app: string, runId: string, asset: string, signal: AbortSignal): Promise<unknown> {
    const asked = { what: 'asking for an asset', app: null };
    const path = `${routes.assets(app, runId)}/${encodeURIComponent(asset)}`;
    const { value } = await this.#requests.json(asked, 'GET', path, assetAnswer, signal);
    return { url: value.download_url };
  }

  /** One page of `GET …/runs`; `token` is the one that the page before named, null for the first page. */
  async listRuns(app: string, token: string | null, signal: AbortSignal): Promise<RunPage> {
    const query = `?pagereturn=true${token === null ? '' : `&pagetoken=${encodeURIComponent(token)}`}`;
    const asked = { what: 'listing the runs', app };
    return (await this.#requests.json(asked, 'GET', `${routes.runs(app)}${query}`, runPage, signal)).value;
  }

  /** `PUT …/runs/{id}`: name and description. */
  async updateRun(
    app: string,
    runId: string,
    words: { readonly name?: string; readonly description?: string },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#requests.json(
      { what: 'changing the run', app: null },
      'PUT',
      routes.run(app, runId),
      z.unknown(),
      signal,
      words,
    );
  }

  /** `PATCH …/runs/{id}/cancel`: only a run that is not final. */
  async cancelRun(app: string, runId: string, signal: AbortSignal): Promise<void> {
    const asked = { what: 'canceling the run', app: null };
    await this.#requests.text(asked, 'PATCH', `${routes.run(app, runId)}/cancel`, signal);
  }

  /** `DELETE …/runs/{id}`: for good. */
  async deleteRun(app: string, runId: string, signal: AbortSignal): Promise<void> {
    await this.#requests.text(
      { what: 'deleting the run', app: null },
      'DELETE',
      routes.run(app, runId),
      signal,
    );
  }

  /**
   * The bytes behind a signed URL that an answer named, asked for without Authorization.
   * @param answer the `{"url": …}` as it came
   */
  async download(answer: unknown, bytesMax: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return await this.#storage.get(answer, 'fetching the output', bytesMax, signal);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.#requests.close();
  }
}

function limit(bytesMax: number | undefined): { readonly bytesMax?: number } {
  return bytesMax === undefined ? {} : { bytesMax };
}
