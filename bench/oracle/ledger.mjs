/** What solvers left behind: every folder with every generation of its content, kept apart from all that reads it. */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The three files of a generation, which name it, so that no two generations share a file.
 * @param bytes about how large the input is to be
 * @param text the output is a text and no JSON, and comes back another way
 */
export function contentOf(folder, number, { bytes = 0, text = false } = {}) {
  const of = (part, filler) => JSON.stringify({ folder, generation: number, part, filler });
  return {
    'input.json': of('input', 'x'.repeat(bytes)),
    [text ? 'output.txt' : 'output.json']: of('output', ''),
    'run.log': `log of ${folder}, generation ${number}\n`,
  };
}

export class Ledger {
  /** name → `{name, generations}`; a generation stands while it is what lies in the drop root. */
  folders = new Map();
  #root;
  #aside;
  #last = 0;

  constructor(root) {
    this.#root = root;
    this.#aside = `${root}-aside`;
    mkdirSync(this.#root, { recursive: true });
    mkdirSync(this.#aside, { recursive: true });
  }

  path(name) {
    return join(this.#root, name);
  }

  /** A complete folder, renamed in; `kind` as `contentOf` has it. @returns its name */
  drop({ meta = {}, prefix = 'run', ...kind } = {}) {
    this.#last += 1;
    const name = `${prefix}-${String(this.#last).padStart(5, '0')}`;
    const aside = join(this.#aside, name);
    mkdirSync(aside);
    const files = contentOf(name, 1, kind);
    // The solver's script writes meta.json last.
    for (const [file, text] of Object.entries(files)) writeFileSync(join(aside, file), text);
    writeFileSync(join(aside, 'meta.json'), JSON.stringify({ status: 'succeeded', duration: 1, ...meta }));
    this.note(name, files);
    renameSync(aside, this.path(name));
    return name;
  }

  /** The folder has, or is about to have, this content; what it had before does not stand any more. */
  note(name, files) {
    const folder = this.folders.get(name) ?? { name, generations: [] };
    for (const generation of folder.generations) generation.stands = false;
    folder.generations.push({
      number: folder.generations.length + 1,
      stands: true,
      input: digest(files['input.json']),
      output: digest(files['output.json'] ?? files['output.txt']),
      logs: [digest(files['run.log'])],
    });
    this.folders.set(name, folder);
  }

  /** Another log makes no other generation. */
  noteLog(name, text) {
    this.folders.get(name).generations.at(-1).logs.push(digest(text));
  }

  /** Whatever it held is not there any more. */
  noteGone(name) {
    for (const generation of this.folders.get(name).generations) generation.stands = false;
  }

  /** It is there again as it was last. */
  noteBack(name) {
    this.folders.get(name).generations.at(-1).stands = true;
  }

  /** The names of the folders that are there. */
  standing() {
    return [...this.folders.values()]
      .filter(({ generations }) => generations.some(({ stands }) => stands))
      .map(({ name }) => name);
  }
}
