/**
 * The library: runs that were done somewhere else, recorded on the Nextmv Platform and read back. `docs/library.md` says
 * how; every export is documented where it is defined.
 */
export { RuntrackdError } from './core/failure.ts';
export { Client, type ClientOptions } from './library/client.ts';
export { Application, type TrackRunWithResultOptions } from './library/application.ts';
export type { RunConfiguration } from './library/configuration.ts';
export type { SignalOption, TrackRunOptions } from './library/recording.ts';
export type { ContentOptions, ResultOptions } from './library/readingBack.ts';
export {
  Input,
  Output,
  TrackedRun,
  type Asset,
  type InputFields,
  type OutputFields,
  type TrackedRunFields,
  type TrackedRunStatus,
} from './library/trackedRun.ts';
export { trackFolder, type TrackedFolder, type TrackFolderOptions } from './library/trackFolder.ts';
export { defaultPolling, type PollingOptions } from './library/polling.ts';
export type {
  ApplicationInformation,
  AssetInformation,
  ListedRun,
  Metadata,
  RunContent,
  RunInformation,
  RunResult,
  RunStatus,
} from './library/answers.ts';
export type { JsonObject } from './library/jsonDocument.ts';
export type { ContentFormat } from './platform/wire.ts';
export type { Enrichment } from './core/enrichment.ts';
export { parseSolverLog, type ParseSolverLogOptions } from './solverlog/parseSolverLog.ts';
export type {
  Evidence,
  FactName,
  SeriesPoint,
  Solve,
  SolveFacts,
  SolveLimit,
  SolverLog,
  SolveStatus,
} from './core/solverFacts.ts';
