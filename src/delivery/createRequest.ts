/** The body of `POST /runs` for a run of the outbox. Pure. */
import { describeRun } from '../core/description.ts';
import { fileOf, type FolderContent } from '../core/content.ts';
import type { Upload } from '../core/run.ts';
import type { Run } from '../outbox/nouns.ts';
import { runRequest } from '../platform/runRequest.ts';
import { descriptionBytesMax, type ContentFormat, type CreateRunRequest } from '../platform/wire.ts';

export function createRequest(run: Run, uploads: readonly Upload[]): CreateRunRequest {
  const { content, settings, life } = run;
  const { meta } = content;
  return runRequest({
    uploadIds: Object.fromEntries(uploads.map(({ role, uploadId }) => [role, uploadId])),
    name: settings.name,
    description: describeRun(
      life.plainest ? '' : settings.description,
      { fingerprint: run.fingerprint, generation: run.key.generation, host: run.key.host },
      descriptionBytesMax,
    ),
    options: settings.options,
    formats: { input: formatOf(content, 'input'), output: formatOf(content, 'output') },
    batchExperimentId: settings.batchExperimentId,
    status: meta.status,
    durationMs: meta.durationMs,
    error: meta.error,
    plainest: life.plainest,
  });
}

function formatOf(content: FolderContent, role: 'input' | 'output'): ContentFormat {
  // A failed run may have no output; the platform's default is then as good as any.
  return fileOf(content, role)?.type ?? 'json';
}
