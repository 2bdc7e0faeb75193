/** What a caller in TypeScript sees. */
import { expectTypeOf, test } from 'vitest';
import type {
  Application,
  Asset,
  Client,
  ClientOptions,
  ContentOptions,
  Input,
  ListedRun,
  Output,
  PollingOptions,
  RunContent,
  RunInformation,
  RunResult,
  RuntrackdError,
  TrackedFolder,
  trackFolder,
  TrackedRun,
  TrackedRunFields,
  TrackRunOptions,
  TrackRunWithResultOptions,
} from '../../src/index.ts';

test('an app records, reads back and lists', () => {
  expectTypeOf<Application['trackRun']>().parameter(0).toEqualTypeOf<TrackedRun | TrackedRunFields>();
  expectTypeOf<Application['trackRun']>().parameter(1).toEqualTypeOf<TrackRunOptions | undefined>();
  expectTypeOf<Application['trackRun']>().returns.resolves.toBeString();
  expectTypeOf<Application['trackRunWithResult']>()
    .parameter(1)
    .toEqualTypeOf<TrackRunWithResultOptions | undefined>();
  expectTypeOf<Application['trackRunWithResult']>().returns.resolves.toEqualTypeOf<RunResult>();
  expectTypeOf<Application['runResult']>().returns.resolves.toEqualTypeOf<RunResult>();
  expectTypeOf<Application['runMetadata']>().returns.resolves.toEqualTypeOf<RunInformation>();
  expectTypeOf<Application['runInput']>().returns.resolves.toEqualTypeOf<RunContent>();
  expectTypeOf<Application['runLogs']>().returns.resolves.toBeString();
  expectTypeOf<Application['listRuns']>().returns.toEqualTypeOf<AsyncGenerator<ListedRun>>();
  expectTypeOf<Application['deleteRun']>().returns.resolves.toBeVoid();
  expectTypeOf<typeof trackFolder>().returns.resolves.toEqualTypeOf<TrackedFolder>();
});

test('an interface will do for a document: it need have no index signature', () => {
  interface Plan {
    readonly routes: readonly number[];
  }
  expectTypeOf<Plan>().toExtend<NonNullable<TrackedRunFields['input']>>();
  expectTypeOf<Plan>().toExtend<NonNullable<TrackedRunFields['output']>>();
  expectTypeOf<Plan>().toExtend<NonNullable<TrackedRunFields['metrics']>>();
  expectTypeOf<{ data: Plan }>().toExtend<ConstructorParameters<typeof Input>[0]>();
  expectTypeOf<{ solution: Plan; metrics: Plan }>().toExtend<
    NonNullable<ConstructorParameters<typeof Output>[0]>
  >();
});

test('a run has a status and is otherwise as much as there is to say', () => {
  expectTypeOf<{ status: 'succeeded'; input: { a: 1 } }>().toExtend<TrackedRunFields>();
  expectTypeOf<{ status: 'ok'; input: string }>().not.toExtend<TrackedRunFields>();
  expectTypeOf<{ input: string }>().not.toExtend<TrackedRunFields>();
  expectTypeOf<{ status: 'failed'; input: number }>().not.toExtend<TrackedRunFields>();
  expectTypeOf<{ status: 'failed'; name: number }>().not.toExtend<TrackedRunFields>();
  expectTypeOf<TrackedRunFields['duration']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<TrackedRunFields['logs']>().toEqualTypeOf<string | readonly string[] | undefined>();
  expectTypeOf<TrackedRunFields['assets']>().toEqualTypeOf<readonly Asset[] | undefined>();
  expectTypeOf<TrackedRun>().toExtend<TrackedRunFields>();
  expectTypeOf<Output>().toExtend<NonNullable<TrackedRunFields['output']>>();
});

test('every call can be given up, also with a signal that may not be there', () => {
  type Signal = AbortSignal | undefined;
  expectTypeOf<{ signal: Signal }>().toExtend<TrackRunOptions>();
  expectTypeOf<{ signal: Signal }>().toExtend<ContentOptions>();
  expectTypeOf<{ signal: Signal }>().toExtend<NonNullable<Parameters<Application['listRuns']>[0]>>();
  expectTypeOf<{ signal: Signal }>().toExtend<NonNullable<Parameters<Application['get']>[0]>>();
  expectTypeOf<{ name: string; signal: Signal }>().toExtend<Parameters<Application['updateRun']>[1]>();
});

test('options, answers and errors', () => {
  expectTypeOf<ConstructorParameters<typeof Client>[0]>().toEqualTypeOf<ClientOptions | undefined>();
  expectTypeOf<PollingOptions['stop']>().toEqualTypeOf<(() => boolean) | undefined>();
  expectTypeOf<RunContent['data']>().toBeUnknown();
  expectTypeOf<RunContent['files']>().toEqualTypeOf<ReadonlyMap<string, Uint8Array> | null>();
  expectTypeOf<RunResult['output']>().toEqualTypeOf<RunContent | null>();
  expectTypeOf<RunResult['metadata']['executionDuration']>().toEqualTypeOf<number | null>();
  expectTypeOf<RuntrackdError>().toExtend<Error>();
  expectTypeOf<RuntrackdError['reason']>().toBeString();
  expectTypeOf<RuntrackdError['hint']>().toBeString();
  expectTypeOf<RuntrackdError['status']>().toEqualTypeOf<number | undefined>();
});
