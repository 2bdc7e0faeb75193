/**
 * A run as the API tells of it: in its metadata and as an item of a list. Every field that a client may require is
 * there, empty where there is nothing to say (platform contract: metadata, list).
 */
import type { Findings } from './findings.ts';
import type { RecordedRun } from './records.ts';
import type { RunStatus } from './status.ts';

/** What the real platform tells of the key's owner; nobody owns this one. */
const userEmail = 'stand-in@localhost';
/** The priority the official tools send when nobody chose one. */
const usualPriority = 6;
/** A list shows a few key figures a run, not all of a large document. */
const indicatorsMax = 100;
/** Deeper ones are no key figures, and too deep ones would overflow the stack. */
const indicatorDepthMax = 20;

export function statusOf(run: RecordedRun, nowMs: number, finalAfterMs: number): RunStatus {
  if (run.canceledAtMs !== null) return 'canceled';
  const ageMs = nowMs - run.createdAtMs;
  // Made later than now: the clock was set back since, and what is final stays so.
  if (ageMs < 0 || ageMs >= finalAfterMs) return run.request.result.status;
  return ageMs < finalAfterMs / 2 ? 'queued' : 'running';
}

/** RFC 3339, UTC, whole seconds. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function metadataOf(run: RecordedRun, status: RunStatus) {
  const { configuration, result, options = {} } = run.request;
  const durationMs = result.execution_duration ?? 0;
  return {
    id: run.id,
    user_email: userEmail,
    name: run.name,
    description: run.description,
    metadata: {
      application_id: run.app,
      application_instance_id: run.instance,
      application_version_id: '',
      created_at: timestamp(run.createdAtMs),
      initiated_at: timestamp(run.createdAtMs),
      duration: durationMs,
      execution_duration: durationMs,
      error: result.error_message ?? '',
      execution_class: configuration?.execution_class ?? '',
      runtime: '',
      input_size: run.files.input?.bytes ?? 0,
      output_size: run.files.output?.bytes ?? 0,
      format: { input: { type: run.findings.inputFormat }, output: { type: run.findings.outputFormat } },
      run_type: runTypeOf(run),
      queuing_priority: configuration?.queuing?.priority ?? usualPriority,
      queuing_disabled: configuration?.queuing?.disabled ?? false,
      status,
      status_v2: status,
      experiment_id: run.request.batch_experiment_id ?? '',
      experiment_type: '',
      secrets_collection_id: configuration?.secrets_collection_id ?? '',
      metrics: run.findings.metrics,
      statistics: run.findings.statistics,
      options: {
        active_options: options,
        options_summary: optionsSummary(options),
        request_options: options,
      },
      tracking: { cloned_run_id: '', input_id: '' },
    },
  };
}

export function listItemOf(run: RecordedRun, status: RunStatus) {
  const { configuration, options = {} } = run.request;
  return {
    id: run.id,
    user_email: userEmail,
    name: run.name,
    description: run.description,
    created_at: timestamp(run.createdAtMs),
    application_id: run.app,
    application_instance_id: run.instance,
    application_version_id: '',
    run_type: runTypeOf(run),
    execution_class: configuration?.execution_class ?? '',
    runtime: '',
    status_v2: status,
    queuing_priority: configuration?.queuing?.priority ?? usualPriority,
    queuing_disabled: configuration?.queuing?.disabled ?? false,
    experiment_id: run.request.batch_experiment_id ?? '',
    statistics: { status: 'success', error: '', indicators: indicatorsOf(run.findings.statistics) },
    metrics: { status: 'success', error: '', indicators: indicatorsOf(run.findings.metrics) },
    input_id: '',
    option_set: '',
    options,
    request_options: options,
    options_summary: optionsSummary(options),
    scenario_id: '',
    repetition: 0,
    input_set_id: '',
  };
}

export function assetItemsOf(run: RecordedRun) {
  return run.findings.assets.map((asset, place) => ({
    id: assetId(place),
    name: asset.name,
    created_at: timestamp(run.createdAtMs),
    size: asset.bytes,
    content_type: asset.contentType,
    description: asset.description,
    visual: asset.visual,
  }));
}

export function assetId(place: number): string {
  return String(place);
}

/** Whatever was sent, a run with a result of its own is an external one. */
function runTypeOf(run: RecordedRun) {
  const sent = run.request.configuration?.run_type;
  return {
    type: 'external',
    definition_id: sent?.definition_id ?? '',
    reference_id: sent?.reference_id ?? '',
  };
}

function optionsSummary(options: Readonly<Record<string, string>>) {
  return Object.entries(options).map(([name, value]) => ({ name, source: 'run', value }));
}

/** The numbers of a nested object, named by their way through it. */
function indicatorsOf(figures: Findings['metrics']): { name: string; value: number }[] {
  const found: { name: string; value: number }[] = [];
  const visit = (value: unknown, name: string, depth: number): void => {
    if (found.length >= indicatorsMax || depth > indicatorDepthMax) return;
    if (typeof value === 'number') found.push({ name, value });
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, inner] of Object.entries(value))
      visit(inner, name === '' ? key : `${name}.${key}`, depth + 1);
  };
  visit(figures, '', 0);
  return found;
}
