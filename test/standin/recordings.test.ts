/**
 * What the official Python SDK 1.13.0 and its command line really sent, sent again: recorded requests, one a line. The
 * statuses beside them are those of another stand-in: they show what the SDK could go on with, not what the platform
 * does. Ids, tokens and signed URLs are replaced by those that are given out now.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { started, type Client } from './harness.ts';

interface Exchange {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Record<string, string>;
    readonly text?: string;
    readonly base64?: string;
  };
  readonly answer: {
    readonly status: number;
    readonly upload_id?: string;
    readonly run_id?: string;
    readonly url?: string;
  };
}

function exchangesOf(name: string): Exchange[] {
  const file = readFileSync(join(import.meta.dirname, 'recordings', `${name}.jsonl`), 'utf8');
  return file
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Exchange);
}

/** The statuses now, beside those then. */
async function replay(client: Client, name: string): Promise<{ now: string[]; then: string[] }> {
  const now: string[] = [];
  const then: string[] = [];
  const ids = new Map<string, string>();
  const urls = new Map<string, string>();
  let nextPage = '';
  for (const { request, answer } of exchangesOf(name)) {
    const storage = request.path.startsWith('/storage/');
    const current = [...ids].reduce((text, [old, id]) => text.replaceAll(old, id), request.path);
    const path = current.replace(/pagetoken=.*/, `pagetoken=${nextPage}`);
    const url = storage ? urls.get(`${request.method} ${request.path}`) : client.standIn.endpoint + path;
    if (url === undefined) throw new Error(`${name} does not say where ${request.path} is from`);
    const body =
      request.base64 === undefined
        ? Buffer.from([...ids].reduce((text, [old, id]) => text.replaceAll(old, id), request.text ?? ''))
        : Buffer.from(request.base64, 'base64');
    const given = await client.send(request.method, url, {
      headers: request.headers,
      ...('content-length' in request.headers
        ? { headers: { ...request.headers, 'content-length': String(body.length) }, body }
        : {}),
    });

    now.push(`${request.method} ${request.path} ${given.status}`);
    then.push(`${request.method} ${request.path} ${answer.status}`);
    const {
      upload_id: upload,
      upload_url: uploadUrl,
      run_id: run,
      output,
      url: alone,
      download_url: asset,
    } = given.json;
    if (answer.upload_id !== undefined) {
      ids.set(answer.upload_id, String(upload));
      urls.set(`PUT /storage/${answer.upload_id}`, String(uploadUrl));
    }
    if (answer.run_id !== undefined) ids.set(answer.run_id, String(run));
    const inResult = (output as { url?: unknown } | undefined)?.url;
    if (answer.url !== undefined) urls.set(`GET /${answer.url}`, String(inResult ?? alone ?? asset));
    nextPage = String(given.json['next_page_token']);
  }
  return { now, then };
}

test.each([
  { name: 'track-json-succeeded' },
  { name: 'track-failed' },
  { name: 'track-objects' },
  { name: 'read-back' },
  { name: 'multi-file-failed-no-output' },
  { name: 'cli-track' },
])('$name is answered as it was then', async ({ name }) => {
  const client = await started();
  const { now, then } = await replay(client, name);
  expect(now).toStrictEqual(then);
});

test.each([{ name: 'multi-file' }, { name: 'text-input' }, { name: 'names-instance-options-batch' }])(
  '$name, where text and folders are declared JSON, is answered as it was then by one that accepts that',
  async ({ name }) => {
    const client = await started();
    client.standIn.faults.notJson = 'accept';
    const { now, then } = await replay(client, name);
    // A text that is declared JSON was given inline then, which the SDK could not read either.
    const notInline = '/runs/devint-Ph51gYB1j/input';
    expect(now).toStrictEqual(
      then.map((line) => (line.includes(notInline) ? line.replace(/200$/, '400') : line)),
    );
  },
);

test('list-runs-120 reads all pages', async () => {
  const client = await started();
  for (let i = 0; i < 120; i += 1) await client.track();
  const { now, then } = await replay(client, 'list-runs-120');
  expect(now).toStrictEqual(then);
});
