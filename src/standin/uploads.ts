/**
 * Uploads: the pair of id and URL, and the storage it leads to (platform contract: uploads). Storage knows signatures
 * only; a key that is sent to it is refused, as S3 refuses two ways of signing at once.
 */
import type { Context, Hono } from 'hono';
import { alteredOutput, bytesStream, storageRefusal } from './answers.ts';
import { existingApp } from './applications.ts';
import type { StoredFile } from './artefacts.ts';
import { assetContent } from './findings.ts';
import { newUploadId } from './ids.ts';
import type { Platform, StandInEnv } from './platform.ts';

/** A client may ask about an upload for a while after it expired, and is told so; then it is forgotten. */
const keptUnusedMs = 24 * 60 * 60_000;

export function serveUploadUrls(routes: Hono<StandInEnv>, platform: Platform): void {
  routes.post('/:app/runs/uploadurl', async (c) => {
    const app = existingApp(platform, c.req.param('app'));
    const id = newUploadId();
    const nowMs = platform.now();
    const expiresAtMs = nowMs + platform.faults.uploadLifetimeMs;
    platform.records.addUpload({ id, app, expiresAtMs });
    const useless = platform.records.sweep(nowMs - platform.faults.uploadLifetimeMs - keptUnusedMs);
    await Promise.all(useless.map((name) => platform.storage.remove(name)));
    return c.json({ upload_id: id, upload_url: platform.urls.forUpload(id, expiresAtMs) });
  });
}

type StorageContext = Context<StandInEnv>;

export function serveStorage(routes: Hono<StandInEnv>, platform: Platform): void {
  routes
    .put('/:upload', async (c) => {
      const refusal = unsigned(platform, c, 'PUT') ?? unfit(c, platform.faults.uploadBytesMax);
      if (refusal !== null) return refusal;
      const id = c.req.param('upload');
      if (platform.records.upload(id) === undefined) return gone();
      const file = await platform.storage.receive(c.env.incoming);
      platform.records.fillUpload(id, file, platform.now());
      return c.body(null, 200, { 'content-length': '0' });
    })
    .get('/:file/:part', async (c) => {
      const refusal = unsigned(platform, c, 'GET');
      if (refusal !== null) return refusal;
      const file = platform.records.file(c.req.param('file'));
      if (file === undefined) return gone();
      return download(platform, file, c.req.param('part'));
    });
}

async function download(platform: Platform, file: StoredFile, part: string): Promise<Response> {
  const asset = /^asset-(\d+)$/.exec(part);
  if (asset !== null) {
    const content = await assetContent(file, Number(asset[1]), platform.storage);
    return content === undefined ? gone() : Response.json(content);
  }
  const altered = part === 'output' && platform.faults.outputAltered;
  if (altered) return new Response(alteredOutput);
  return bytesStream(platform.storage.chunks(file.name), file.bytes, 'binary/octet-stream');
}

/** The refusal of a request that is not signed, or not any more. */
function unsigned(platform: Platform, c: StorageContext, method: 'PUT' | 'GET'): Response | null {
  if (c.req.header('authorization') !== undefined) {
    return storageRefusal(
      400,
      'InvalidArgument',
      'Only one auth mechanism allowed: the URL is signed, send no Authorization header',
    );
  }
  const verdict = platform.urls.verdict({
    method,
    path: c.req.path,
    expires: c.req.query('expires'),
    signature: c.req.query('signature'),
    nowMs: platform.now(),
  });
  switch (verdict) {
    case 'good':
      return null;
    case 'wrong':
      return storageRefusal(403, 'SignatureDoesNotMatch', 'The URL is not as it was given out');
    case 'expired':
      return storageRefusal(403, 'AccessDenied', 'Request has expired');
  }
}

/** The refusal of a body whose length is unknown or too large, before any of it is read. */
function unfit(c: StorageContext, uploadBytesMax: number): Response | null {
  const length = c.req.header('content-length');
  if (length === undefined) {
    return storageRefusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header');
  }
  if (Number(length) > uploadBytesMax) {
    return storageRefusal(413, 'EntityTooLarge', `At most ${uploadBytesMax} bytes are allowed`);
  }
  return null;
}

function gone(): Response {
  return storageRefusal(404, 'NoSuchKey', 'The specified key does not exist');
}
