/** Folders of equal content that come and go under each other's names: it is the directory that is a run, not its name. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { trackFolder } from '../../src/intake/trackFolder.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import { dropFolder, plan } from '../journey/folders.ts';
import { test, type Root } from './root.ts';

/** A drop root of which one folder is looked at after the other, each when it is said. */
class Looked {
  readonly #root: Root;
  readonly #folders: RunFolders;
  readonly #name: string;
  readonly path: string;

  constructor(root: Root, name = 'looked', folders = root.folders) {
    this.#root = root;
    this.#folders = folders;
    this.#name = name;
    this.path = join(root.dir, name);
    mkdirSync(this.path);
  }

  /** Of the content that all have. */
  drop(name: string): void {
    dropFolder(this.path, name, plan('same'));
  }

  rename(from: string, to: string): void {
    renameSync(join(this.path, from), join(this.path, to));
  }

  exchange(one: string, other: string): void {
    this.rename(one, '.aside');
    this.rename(other, one);
    this.rename('.aside', other);
  }

  remove(name: string): void {
    rmSync(join(this.path, name), { recursive: true });
  }

  /** @returns which run a folder is */
  async look(name: string): Promise<number> {
    const dropRoot = this.#root.dropRoot({ path: this.path, name: this.#name });
    const parts = this.#root.parts({ folders: this.#folders });
    const tracked = await trackFolder(join(this.path, name), [dropRoot], {}, parts);
    if (tracked.kind === 'refused') throw new Error(tracked.text);
    return tracked.run;
  }

  async lookAtAll(...names: readonly string[]): Promise<number[]> {
    const runs: number[] = [];
    for (const name of names) runs.push(await this.look(name));
    return runs;
  }
}

test('two that change names are the two runs that they were, whichever is looked at first', async ({
  root,
}) => {
  for (const [first, second] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const looked = new Looked(root, `${first}-first`);
    for (const name of ['a', 'b']) looked.drop(name);
    const were = await looked.lookAtAll(second, first);
    looked.exchange('a', 'b');
    expect(await looked.lookAtAll(first, second)).toEqual(were);
    expect(await looked.lookAtAll(second, first)).toEqual(were.toReversed());
  }
  expect(await root.outbox.run(5)).toBeNull();
});

test('whatever is rotated or exchanged before who is looked at: each directory is one run, and always the same', async ({
  root,
}) => {
  const step = fc.record({
    what: fc.constantFrom('rotate', 'exchange', 'look', 'look'),
    one: fc.nat(4),
    other: fc.nat(4),
  });
  let roots = 0;
  const check = fc.asyncProperty(
    fc.array(step, { minLength: 6, maxLength: 14, size: 'max' }),
    async (steps) => {
      const looked = new Looked(root, `root-${String((roots += 1))}`);
      /** By their places, the newest first: which directory lies there. */
      const chain: number[] = [];
      const runOf = new Map<number, number>();
      const look = async (place: number): Promise<void> => {
        const directory = chain[place];
        if (directory === undefined) return;
        const run = await looked.look(`day.${String(place)}`);
        expect(run).toBe(runOf.get(directory) ?? run);
        runOf.set(directory, run);
      };
      const rotate = (): void => {
        for (let place = chain.length - 1; place >= 0; place -= 1)
          looked.rename(`day.${String(place)}`, `day.${String(place + 1)}`);
        looked.drop('day.0');
        chain.unshift(chain.length);
      };
      rotate();
      for (const { what, one, other } of steps) {
        if (what === 'rotate') rotate();
        else if (what === 'look') await look(one);
        else {
          const [first, second] = [chain[one], chain[other]];
          if (first === undefined || second === undefined || one === other) continue;
          looked.exchange(`day.${String(one)}`, `day.${String(other)}`);
          [chain[one], chain[other]] = [second, first];
        }
      }
      for (const place of chain.keys()) await look(place);
      expect(new Set(runOf.values()).size).toBe(chain.length);
    },
  );
  await fc.assert(check, { numRuns: 25, seed: 20_261_201, endOnFailure: true });
});

test('one that waits comes to the path of a recorded one that is removed: it is sent as what it is', async ({
  root,
}) => {
  const looked = new Looked(root);
  for (const name of ['a', 'b']) looked.drop(name);
  expect(await looked.lookAtAll('a', 'b')).toEqual([1, 2]);
  looked.remove('a');
  looked.rename('b', 'a');
  expect(await looked.look('a')).toBe(2);
  expect((await root.outbox.run(2))?.path).toBe('a');
  // It is not the first that comes back.
  looked.remove('a');
  looked.drop('a');
  expect(await looked.look('a')).toBe(2);
  expect(await root.outbox.run(3)).toBeNull();
});

/** As a file system that keeps no birth times. */
class NoBirths extends RunFolders {
  override async look(...args: Parameters<RunFolders['look']>): ReturnType<RunFolders['look']> {
    const sight = await super.look(...args);
    return sight && { ...sight, directory: { ...sight.directory, birthNs: '0' }, isBirthKnown: false };
  }
}

test('where no birth times are kept what comes to a path that had its content is what was there', async ({
  root,
}) => {
  const folders = new NoBirths(root.parts().log);
  try {
    const looked = new Looked(root, 'looked', folders);
    for (const name of ['a', 'b']) looked.drop(name);
    await looked.lookAtAll('a', 'b');
    looked.exchange('a', 'b');
    expect(await looked.lookAtAll('a', 'b')).toEqual([1, 2]);
    expect((await root.outbox.counts()).states).toEqual({ queued: 2 });
  } finally {
    await folders.close();
  }
});

test('one that is looked at before the other leaves its log and what is wished for to that', async ({
  root,
}) => {
  const looked = new Looked(root);
  for (const name of ['a', 'b']) {
    looked.drop(name);
    writeFileSync(join(looked.path, name, 'run.log'), `log of ${name}\n`);
  }
  const [first = 0, second = 0] = await looked.lookAtAll('a', 'b');
  const before = await root.outbox.run(first);
  looked.exchange('a', 'b');
  expect(await looked.look('a')).toBe(second);
  const after = await root.outbox.run(first);
  expect(after).toMatchObject({ path: 'b', content: { asideDigest: before?.content.asideDigest } });
});
