/** What a person calls a folder, a run or a drop root, and which one that is. */
import { join, relative, sep } from 'node:path';
import { outsideRootName } from '../core/identity.ts';
import { Unanswerable, type RunView, type Selector } from '../http/operations.ts';
import type { RootIntake } from '../intake/rootIntake.ts';
import type { Folder, Run } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { DropRoots } from './dropRoots.ts';
import { viewOfFolder, viewOfRun, type ViewContext } from './views.ts';

/** Date folders that are asked for a name in one go, and so many of its kind are told. */
const parentsAtOnce = 1_000;
const namesakesMax = 20;
/** Of a folder that was rewritten again and again, so many generations are looked through. */
const generationsMax = 1_000;

/** A path of a drop root, whether anything lies there or not. */
interface Located {
  readonly dropRoot: string;
  readonly below: string;
}

export type Found =
  { readonly kind: 'run'; readonly run: Run } | { readonly kind: 'folder'; readonly folder: Folder };

/** The same for the same run or folder, however it was found. */
export function keyOf(found: Found): string {
  if (found.kind === 'run') return `#${String(found.run.run)}`;
  return `${found.folder.dropRoot}/${found.folder.path}`;
}

export class Finder {
  readonly #outbox: Outbox;
  readonly #dropRoots: DropRoots;
  readonly #view: ViewContext;

  constructor(outbox: Outbox, dropRoots: DropRoots, view: ViewContext) {
    this.#outbox = outbox;
    this.#dropRoots = dropRoots;
    this.#view = view;
  }

  view(found: Found): RunView {
    return found.kind === 'run' ? viewOfRun(found.run, this.#view) : viewOfFolder(found.folder, this.#view);
  }

  /** @throws Unanswerable when there is none of that name or path */
  rootsNamed(root: string | null): readonly RootIntake[] {
    const chosen = this.#dropRoots.intakes.filter(
      ({ rules }) => root === null || rules.root.name === root || rules.root.path === root,
    );
    if (chosen.length > 0) return chosen;
    throw new Unanswerable('none', `there is no drop root "${String(root)}"; there is ${this.#rootNames()}`);
  }

  /**
   * A root that was taken out of the configuration is still one while there is anything of it.
   * @throws Unanswerable
   */
  async assertRoot(name: string | null): Promise<void> {
    if (name === null || this.#dropRoots.named(name) !== null) return;
    const any = { states: [], dropRoot: name, sinceMs: null, beforeRun: null, limit: 1 };
    if ((await this.#outbox.list(any)).length > 0 || (await this.#outbox.folderCount(name)) > 0) return;
    throw new Unanswerable('none', `there is no drop root "${name}"; there is ${this.#rootNames()}`);
  }

  /**
   * A path or a folder's name first; `#42` is a run's number.
   * @throws Unanswerable when none or several match
   */
  async find({ text, path, generation, run: surely, dropRoot }: Selector): Promise<Found> {
    if (surely !== undefined) return await this.#numbered(surely);
    if (dropRoot !== undefined) return await this.#shown(dropRoot, text);
    const number = /^#([1-9][0-9]{0,14})$/.exec(text)?.[1];
    const matches = await this.#foundAt(this.#placesOf(text, path), generation);
    if (matches.length === 0)
      matches.push(...(await this.#foundAt(await this.#placesNamed(text), generation)));
    if (matches.length === 0)
      matches.push(...(await this.#foundAt(await this.#placesInFormer(text, path), generation)));
    if (matches.length === 0 && number !== undefined) return await this.#numbered(Number(number));
    const [only, ...others] = this.#firstAtEachPath(matches);
    if (only === undefined) throw calledNothing(text);
    if (others.length > 0) {
      const names = [only, ...others].map((found) => this.view(found).folder).join(', ');
      throw new Unanswerable('ambiguous', `"${text}" could be any of ${names}; give the whole path`);
    }
    return only;
  }

  /**
   * A folder that was tracked by itself before its place became a drop root is that root's now: it is looked at, and what
   * is said of it is said of the run that it is there. The one from before has its number.
   */
  #firstAtEachPath(matches: readonly Found[]): readonly Found[] {
    const byPath = new Map<string, Found>();
    for (const found of matches) {
      const { folder } = this.view(found);
      if (!byPath.has(folder)) byPath.set(folder, found);
    }
    return [...byPath.values()];
  }

  async #shown(dropRoot: string, folder: string): Promise<Found> {
    const below = this.belowShown(dropRoot, folder);
    const [found] = below === null ? [] : await this.#foundAt([{ dropRoot, below }], null);
    if (found === undefined) throw calledNothing(folder);
    return found;
  }

  /**
   * The path below its drop root of a folder that is shown by that path: also where it was shown before the root was
   * taken out of the configuration, or put back into it.
   * @returns null: nothing of that root is shown so
   */
  belowShown(dropRoot: string, folder: string): string | null {
    const shownBelow = [
      this.#view.placesOfRoot(dropRoot)?.path,
      this.#dropRoots.evenFormer(dropRoot)?.path,
      dropRoot,
    ];
    const beginnings = shownBelow.flatMap((path) => (path === undefined ? [] : [join(path, sep)]));
    const beginning = beginnings.find((one) => folder.startsWith(one));
    return beginning === undefined ? null : folder.slice(beginning.length);
  }

  async #foundAt(places: readonly Located[], generation: string | null): Promise<Found[]> {
    const matches: Found[] = [];
    for (const { dropRoot, below } of places) {
      const [folder] = await this.#outbox.folders(dropRoot, [below]);
      const runs = await this.#outbox.runsAtPath(dropRoot, below, generationsMax);
      const fits = runs.filter(
        ({ key }) => generation === null || key.generation.startsWith(generation.replace(/^sha256:/, '')),
      );
      const isOpen = folder !== undefined && folder.state !== 'known' && generation === null;
      const current = fits.find(({ run }) => run === folder?.run) ?? fits[0];
      if (isOpen) matches.push({ kind: 'folder', folder });
      else if (current !== undefined) matches.push({ kind: 'run', run: current });
    }
    return matches;
  }

  /** With date folders the name of a run folder alone means each folder of that name. */
  async #placesNamed(text: string): Promise<Located[]> {
    const places: Located[] = [];
    for (const { rules } of this.#dropRoots.intakes) {
      const { name, depth } = rules.root;
      const levels = depth - text.split(sep).length;
      if (levels <= 0 || text === '.' || text === '..' || text.startsWith(sep)) continue;
      for (let after: string | null = null; ;) {
        const page = await this.#outbox.pathsNamed(name, text, levels, after, parentsAtOnce);
        places.push(...page.paths.map((below) => ({ dropRoot: name, below })));
        // More than these are not told apart by a person anyway.
        if (page.after === null || places.length > namesakesMax) break;
        ({ after } = page);
      }
    }
    return places;
  }

  /**
   * Where roots lay that are not configured any more nobody knows after a restart: there a folder is called by its path below
   * the root, or as it is shown, with the root's name before it.
   */
  async #placesInFormer(text: string, path: string): Promise<Located[]> {
    const { folders } = await this.#outbox.counts();
    const roots = new Set(
      folders.map(({ dropRoot }) => dropRoot).filter((dropRoot) => this.isFormer(dropRoot)),
    );
    const names = path.split(sep);
    return [...roots].flatMap((dropRoot) => {
      const root = this.#dropRoots.evenFormer(dropRoot);
      const starts = names.flatMap((name, at) => (name === dropRoot ? [at + 1] : []));
      const below = [
        text,
        ...(root === null ? [] : [relative(root.path, path)]),
        ...starts.map((at) => names.slice(at).join(sep)),
      ];
      return [...new Set(below)].map((one) => ({ dropRoot, below: one }));
    });
  }

  /** Whether nobody looks at it: it was taken out of the configuration. */
  isFormer(dropRoot: string): boolean {
    return dropRoot !== outsideRootName && this.#dropRoots.named(dropRoot) === null;
  }

  async #numbered(number: number): Promise<Found> {
    const run = await this.#outbox.run(number);
    if (run === null) throw new Unanswerable('none', `there is no run #${number}`);
    return { kind: 'run', run };
  }

  #placesOf(text: string, path: string): Located[] {
    const roots = this.#dropRoots.intakes.map(({ rules }) => rules.root);
    const inside = roots.flatMap((root) => {
      const below = relative(root.path, path);
      return below === '' || below === '..' || below.startsWith(`..${sep}`)
        ? []
        : [{ dropRoot: root.name, below }];
    });
    const outside = { dropRoot: outsideRootName, below: relative('/', path) };
    // A name, or with date folders a path below the root, means that folder in any root, wherever the caller stands.
    const named = roots
      .filter(({ depth }) => text !== '.' && text.split(sep).length === depth)
      .map((root) => ({ dropRoot: root.name, below: text }));
    const all = [
      ...named,
      ...inside.filter(
        (place) => !named.some((other) => other.dropRoot === place.dropRoot && other.below === place.below),
      ),
    ];
    return [...all, outside];
  }

  #rootNames(): string {
    return this.#dropRoots.intakes.map(({ rules }) => `"${rules.root.name}"`).join(', ');
  }
}

function calledNothing(text: string): Unanswerable {
  return new Unanswerable(
    'none',
    `no run or folder is called "${text}"; \`runtrackd list\` shows what there is`,
  );
}
