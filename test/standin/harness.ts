/** A stand-in of its own for each test, and a plain client for it: no retries, every answer read to its end. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { onTestFinished } from 'vitest';
import { startStandIn, type StandIn, type StandInOptions } from '../../src/standin/standin.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Client {
  readonly standIn: StandIn;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  send(method: string, url: string, options?: SendOptions): Promise<Answer>;
  /** What a signed URL leads to, as it is. */
  fetchBytes(url: string): Promise<Buffer>;
  /** Below `/stand-in`; without a key. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>;
  /** An upload that is done; its id. */
  upload(content: string | Buffer): Promise<string>;
  ticket(): Promise<{ upload_id: string; upload_url: string }>;
  /** A run; its id. */
  track(body?: Record<string, unknown>, query?: string): Promise<string>;
}

interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

export const app = 'hare-app';

/** How a test ends what it started; one that runs beside others has to say which it is by its own. */
export type Finish = (end: () => void | Promise<void>) => void;

export function temporaryFolder(finish: Finish = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
  finish(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function started(
  options: Partial<StandInOptions> = {},
  finish: Finish = onTestFinished,
): Promise<Client> {
  const dataDir = options.dataDir ?? temporaryFolder(finish);
  const standIn = await startStandIn({ port: 0, apps: null, apiKey: null, ...options, dataDir });
  const { certificateFile } = standIn;
  const agent = new Agent(certificateFile === null ? {} : { connect: { ca: readFileSync(certificateFile) } });
  finish(async () => {
    await agent.destroy();
    await standIn.close();
  });
  return clientOf(standIn, agent);
}

function clientOf(standIn: StandIn, agent: Agent): Client {
  const send = async (method: string, url: string, options: SendOptions = {}): Promise<Answer> => {
    const answer = await request(url, {
      method: method as 'GET',
      dispatcher: agent,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      ...(options.body === undefined ? {} : { body: options.body as Buffer }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: parsed(text) };
  };
  const call = (method: string, path: string, body?: unknown) =>
    send(method, `${standIn.endpoint}/v1/applications/${app}${path}`, {
      headers: { authorization: 'Bearer some-key', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const fetchBytes = async (url: string) => {
    const { body, statusCode } = await request(url, { dispatcher: agent });
    if (statusCode !== 200) throw new Error(`${url} was answered ${statusCode}`);
    return Buffer.from(await body.arrayBuffer());
  };
  const admin = (method: string, path: string, body?: unknown) =>
    send(method, `${standIn.endpoint}/stand-in${path}`, {
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const ticket = async () =>
    (await call('POST', '/runs/uploadurl')).json as { upload_id: string; upload_url: string };
  const upload = async (content: string | Buffer) => {
    const { upload_id: id, upload_url: url } = await ticket();
    const put = await send('PUT', url, { body: Buffer.from(content) });
    if (put.status !== 200) throw new Error(`the PUT was answered ${put.status}: ${put.text}`);
    return id;
  };
  const track = async (body: Record<string, unknown> = {}, query = '') => {
    const made = await call('POST', `/runs${query}`, { ...minimalRun, ...body });
    if (made.status !== 200) throw new Error(`the run was refused: ${made.text}`);
    return String(made.json['run_id']);
  };
  return { standIn, call, send, fetchBytes, admin, upload, ticket, track };
}

/** Nothing but what has to be there. */
export const minimalRun = { input: { a: 1 }, result: { status: 'succeeded' } };

export async function listedIds(client: Client): Promise<string[]> {
  const { json } = await client.call('GET', '/runs');
  return (json['runs'] as { id: string }[]).map((run) => run.id);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
