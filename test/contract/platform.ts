/**
 * What a client may rely on, whoever answers: run over the stand-in in every test, and over the real platform by hand.
 * Every run that it makes is deleted by it, and it touches no other. Nothing here depends on what the contract leaves open.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  RuntrackdError,
  type Application,
  type TrackedRunFields,
  type TrackRunOptions,
} from '../../src/index.ts';

export interface Implementation {
  readonly name: string;
  readonly client: () => Promise<{
    readonly application: Application;
    readonly cleanup: () => Promise<void>;
  }>;
}

export function behavesLikeThePlatform({ name, client }: Implementation): void {
  describe(name, () => {
    const made: string[] = [];
    let application: Application;
    let cleanup = (): Promise<void> => Promise.resolve();
    let folder = '';

    beforeAll(async () => {
      ({ application, cleanup } = await client());
      folder = mkdtempSync(join(tmpdir(), 'contract-'));
    });
    afterAll(async () => {
      const failed = await Promise.allSettled(made.map((id) => application.deleteRun(id)));
      rmSync(folder, { recursive: true, force: true });
      await cleanup();
      const left = failed.flatMap(({ status }, at) => (status === 'rejected' ? [made[at]] : []));
      expect(left).toEqual([]);
    });

    const track = async (run: TrackedRunFields, options: TrackRunOptions = {}): Promise<string> => {
      const id = await application.trackRun({ name: 'contract suite: may be deleted', ...run }, options);
      if (!made.includes(id)) made.push(id);
      return id;
    };
    const document = { solution: { routes: [1, 2], text: 'zwölf ☃' } };
    const directoryOf = (name: string, files: Record<string, string>): string => {
      const path = join(folder, name);
      mkdirSync(path);
      for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
      return path;
    };

    test('the app is there', async () => {
      expect((await application.get()).id).toBe(application.id);
    });

    test('JSON, logs, duration and words come back as they were recorded', async () => {
      const id = await track({
        status: 'succeeded',
        input: { a: 1 },
        output: document,
        logs: ['one', 'two'],
        duration: 1.5,
        description: 'words',
      });
      const result = await application.runResultWithPolling(id);
      expect(result).toMatchObject({
        id,
        description: 'words',
        output: { format: 'json', data: document },
        metadata: { status: 'succeeded', executionDuration: 1.5, error: '', runType: 'external' },
      });
      expect((await application.runInput(id)).data).toEqual({ a: 1 });
      expect((await application.runOutput(id)).data).toEqual(document);
      expect((await application.runLogs(id)).trimEnd()).toBe('one\ntwo');
    });

    test('a failed run says why', async () => {
      const id = await track({ status: 'failed', input: {}, error: 'exit code 3', logs: 'a log' });
      const result = await application.runResultWithPolling(id);
      expect(result.output).toBeNull();
      expect(result.metadata).toMatchObject({ status: 'failed', error: 'exit code 3' });
      expect(result.errorLog?.error).toBe('exit code 3');
    });

    test('directories come back file by file', async () => {
      const files = { 'a.csv': '1,2\n', 'b.json': '{}' };
      const id = await track({
        status: 'succeeded',
        inputDirPath: directoryOf('in', files),
        outputDirPath: directoryOf('out', files),
        metrics: { gap: 0.5 },
      });
      const directory = join(folder, 'back');
      const { output, metadata } = await application.runResultWithPolling(id, { directory });
      expect(output?.path).toBe(directory);
      for (const [file, content] of Object.entries(files))
        expect(readFileSync(join(directory, file), 'utf8')).toBe(content);
      expect(metadata.metrics).toEqual({ gap: 0.5 });
      expect([...((await application.runInput(id)).files?.keys() ?? [])].toSorted()).toEqual(
        Object.keys(files),
      );
    });

    test('an output of more than 5 MiB comes back by URL', async () => {
      const output = { text: 'x'.repeat(5 * 1024 * 1024) };
      const id = await track({ status: 'succeeded', input: {}, output });
      expect((await application.runResultWithPolling(id)).output?.data).toEqual(output);
    });

    test('a run is listed, renamed, found by its fingerprint, and deleted for good', async () => {
      const fingerprint = `contract ${Math.random()}`;
      const run = { status: 'succeeded', input: {}, description: 'words' } as const;
      const id = await track(run, { fingerprint });
      await listed(id);
      expect(await track(run, { fingerprint })).toBe(id);
      await application.updateRun(id, { name: 'contract suite: renamed' });
      expect((await application.runMetadata(id)).name).toBe('contract suite: renamed');
      await application.deleteRun(id);
      made.splice(made.indexOf(id), 1);
      await expect(application.runMetadata(id)).rejects.toBeInstanceOf(RuntrackdError);
    });

    /** The list may lag behind. */
    async function listed(id: string): Promise<void> {
      await expect
        .poll(
          async () => {
            for await (const run of application.listRuns()) if (run.id === id) return true;
            return false;
          },
          { timeout: 30_000, interval: 500 },
        )
        .toBe(true);
    }
  });
}
