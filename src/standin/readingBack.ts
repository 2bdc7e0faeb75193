/**
 * Reading a run back: metadata, result, and its documents one by one, inline or as a URL (platform contract: reading
 * back). A document is answered inline only when it is JSON and not too large; otherwise `format=url` has to be asked for.
 */
import type { Hono } from 'hono';
import { inlineOutputBytesMax } from '../platform/wire.ts';
import { alteredOutput, bytesStream, jsonStream } from './answers.ts';
import type { Artefact, StoredFile } from './artefacts.ts';
import { isArchive } from './findings.ts';
import { insideString, withMember, type Piece } from './jsonText.ts';
import type { Platform, StandInEnv } from './platform.ts';
import type { RecordedRun } from './records.ts';
import { Refusal } from './refusal.ts';
import { assetId, assetItemsOf, metadataOf, timestamp } from './runDocument.ts';
import { currentStatus, existingRun } from './runs.ts';

/** What a log that will not grow any more tells those who read it live. */
const askAgainInSeconds = 2;
const readToTheEnd = 'end';

export function serveReadingBack(routes: Hono<StandInEnv>, platform: Platform): void {
  routes
    .get('/:app/runs/:run/metadata', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      return c.json(metadataOf(run, currentStatus(platform, run)));
    })
    .get('/:app/runs/:run', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      return result(platform, run, c.req.query('format') === 'url');
    })
    .get('/:app/runs/:run/output', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      const status = currentStatus(platform, run);
      if (status === 'queued' || status === 'running') {
        throw new Refusal(404, `the run is ${status}: there is no output yet`);
      }
      const file = existingFile(run, 'output');
      if (c.req.query('format') === 'url') return c.json({ url: downloadUrl(platform, file, 'output') });
      refuseUnlessInline(file, run.findings.outputFormat, run.findings.outputIsJson);
      return jsonStream([outputText(platform, file)]);
    })
    .get('/:app/runs/:run/input', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      const file = existingFile(run, 'input');
      if (c.req.query('format') === 'url') return c.json({ url: downloadUrl(platform, file, 'input') });
      refuseUnlessInline(file, run.findings.inputFormat, run.findings.inputIsJson);
      return bytesStream(platform.storage.chunks(file.name), file.bytes, 'application/json');
    })
    .get('/:app/runs/:run/logs', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      return jsonStream(['{"log":"', textOf(platform, run.files.logs), '"}']);
    })
    .get('/:app/runs/:run/logs/live', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      return liveLogs(platform, run, c.req.query('since') === readToTheEnd);
    })
    .get('/:app/runs/:run/assets', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      return c.json({ items: assetItemsOf(run) });
    })
    .get('/:app/runs/:run/assets/:asset', (c) => {
      const run = existingRun(platform, c.req.param('app'), c.req.param('run'));
      const place = run.findings.assets.findIndex((_, at) => assetId(at) === c.req.param('asset'));
      const asset = run.findings.assets[place];
      if (asset === undefined) throw new Refusal(404, `the run has no asset ${c.req.param('asset')}`);
      const file = existingFile(run, run.findings.assetsIn);
      return c.json({ download_url: downloadUrl(platform, file, `asset-${place}`), type: asset.contentType });
    });
}

/** Metadata, and `output` when it succeeded, `error_log` when it failed (platform contract: result). */
function result(platform: Platform, run: RecordedRun, asUrl: boolean): Response {
  const status = currentStatus(platform, run);
  const metadata = metadataOf(run, status);
  if (status === 'failed') return jsonStream(withMember(metadata, 'error_log', ...errorLog(platform, run)));
  if (status !== 'succeeded') return Response.json(metadata);

  const file = run.files.output;
  if (file === undefined) return Response.json({ ...metadata, output: null });
  if (asUrl) return Response.json({ ...metadata, output: { url: downloadUrl(platform, file, 'output') } });
  refuseUnlessInline(file, run.findings.outputFormat, run.findings.outputIsJson);
  return jsonStream(withMember(metadata, 'output', outputText(platform, file)));
}

/** The error text, the output as far as it is text, and the log with the error text below it. */
function errorLog(platform: Platform, run: RecordedRun): Piece[] {
  const error = run.request.result.error_message ?? '';
  const stderrEnd = JSON.stringify(`\n${error}\n`).slice(1);
  return [
    `{"error":${JSON.stringify(error)},"stdout":"`,
    isArchive(run.findings.outputFormat) ? '' : textOf(platform, run.files.output),
    '","stderr":"',
    textOf(platform, run.files.logs),
    `${stderrEnd}}`,
  ];
}

/** The whole log at once, and nothing more after it. */
function liveLogs(platform: Platform, run: RecordedRun, isRead: boolean): Response {
  const end = {
    status_v2: currentStatus(platform, run),
    next_page_token: readToTheEnd,
    next_available_in_seconds: askAgainInSeconds,
  };
  if (isRead || run.files.logs === undefined) return Response.json({ ...end, items: [] });
  const item = withMember(
    { timestamp: timestamp(run.createdAtMs) },
    'log',
    '"',
    textOf(platform, run.files.logs),
    '"',
  );
  return jsonStream(withMember(end, 'items', '[', ...item, ']'));
}

function existingFile(run: RecordedRun, artefact: Artefact): StoredFile {
  const file = run.files[artefact];
  if (file === undefined) throw new Refusal(404, `the run was recorded without ${artefact}`);
  return file;
}

function refuseUnlessInline(file: StoredFile, format: string, isJson: boolean): void {
  if (format !== 'json') throw new Refusal(400, `the content is ${format}, not JSON: ask with format=url`);
  if (file.bytes > inlineOutputBytesMax) {
    throw new Refusal(
      400,
      `the content has ${file.bytes} bytes, more than can be inline: ask with format=url`,
    );
  }
  if (!isJson) throw new Refusal(400, 'the content is declared JSON but is not: ask with format=url');
}

function downloadUrl(platform: Platform, file: StoredFile, part: string): string {
  return platform.urls.forDownload(file.name, part, platform.now() + platform.faults.uploadLifetimeMs);
}

function outputText(platform: Platform, file: StoredFile): Piece {
  return platform.faults.outputAltered ? alteredOutput : platform.storage.chunks(file.name);
}

function textOf(platform: Platform, file: StoredFile | undefined): Piece {
  return file === undefined ? '' : insideString(platform.storage.chunks(file.name));
}
