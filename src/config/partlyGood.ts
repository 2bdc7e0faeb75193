/** A file of which some keys may be wrong: lets a check read those that it needs, as far as they are good. */
import { resolve } from 'node:path';
import type { z } from 'zod';
import type { KeyPath } from './problems.ts';
import { keySchemas } from './schema.ts';

export class PartlyGoodFile {
  readonly #value: unknown;
  readonly #directory: string;

  constructor(value: unknown, directory: string) {
    this.#value = value;
    this.#directory = directory;
  }

  /** What stands at a path, or `undefined` where nothing does. */
  raw(path: KeyPath): unknown {
    return path.reduce<unknown>((at, part) => {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
      return (at as Readonly<Record<string | number, unknown>>)[part];
    }, this.#value);
  }

  read<Schema extends z.ZodType>(path: KeyPath, schema: Schema): z.output<Schema> | undefined {
    return schema.safeParse(this.raw(path)).data;
  }

  directory(path: KeyPath): string | undefined {
    const given = this.read(path, keySchemas.path);
    return given === undefined ? undefined : this.resolved(given);
  }

  /** A path that was read already, absolute. */
  resolved(path: string): string {
    return resolve(this.#directory, path);
  }

  roots(): KeyPath[] {
    const roots = this.raw(['drop_roots']);
    return Array.isArray(roots) ? roots.map((_, index) => ['drop_roots', index]) : [];
  }
}
