/**
 * Values as JSON text, refused where JSON cannot say them: `JSON.stringify` writes NaN as null, a Map as {} and a Buffer
 * as a list of numbers, and what arrives is then another document than the one that was meant.
 */
import { RuntrackdError } from '../core/failure.ts';
import { badInput } from './badInput.ts';

/** An object at the top of a document; what is in it is checked when it is sent. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A document with an object at its top. */
export interface JsonDocument {
  readonly text: string;
  /** The names of its members. */
  readonly names: ReadonlySet<string>;
}

/** Deeper documents overflow the stacks of whoever reads them. */
const depthMax = 1_000;
/** An error names a place by so many steps at most. */
const shownKeysMax = 20;

/** Objects of which JSON would keep nothing, or something else. */
const unsayable = [
  Map,
  Set,
  WeakMap,
  WeakSet,
  Promise,
  RegExp,
  Error,
  ArrayBuffer,
  SharedArrayBuffer,
] as const;

/**
 * @param what as an error names it: "input"
 * @throws RuntrackdError (bad-input) naming the place, e.g. `input.routes[3].cost is NaN`
 */
export function jsonDocument(value: object, what: string): JsonDocument {
  const text = jsonText(value, what);
  const said = asSaid(value);
  if (!isObject(said))
    throw badInput(
      `${what} is ${Array.isArray(said) ? 'an array' : `a ${typeof said}`}, and a JSON document has an object at its top`,
      'Put it into an object, for example { data: … }.',
    );
  const names = Object.keys(said).filter((name) => said[name] !== undefined);
  return { text, names: new Set(names) };
}

/**
 * Any JSON.
 * @throws RuntrackdError (bad-input) naming the place
 */
export function jsonText(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    new Walk(what).check(value);
    // Undefined for what has no JSON at all, whatever its types say.
    text = JSON.stringify(value);
  } catch (error) {
    if (error instanceof RuntrackdError) throw error;
    throw badInput(
      `${what} cannot be written as JSON (${error instanceof Error ? error.message : 'unknown trouble'})`,
      'Correct it; a document too large for one text goes into a file, and its path is given.',
    );
  }
  if (typeof text !== 'string')
    throw badInput(`${what} is nothing that JSON can say`, 'Give an object or a text.');
  return text;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `JSON.stringify` sees in the place of an object that knows its JSON by itself. */
function asSaid(value: object): unknown {
  return knowsItsJson(value) ? value.toJSON('') : value;
}

function knowsItsJson(value: object): value is { toJSON(key: string): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** One way through a value. Places are put into words only where there is something to say of them. */
class Walk {
  readonly #keys: (string | number)[] = [];
  readonly #around = new Set<object>();
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  check(value: unknown): void {
    switch (typeof value) {
      case 'number':
        if (!Number.isFinite(value))
          throw this.#bad(
            `is ${String(value)}, which JSON cannot say`,
            'Leave it out, or send null or a text.',
          );
        return;
      case 'bigint':
        throw this.#bad('is a bigint, which JSON cannot say', 'Send it as a text.');
      case 'function':
      case 'symbol':
        throw this.#bad(`is a ${typeof value}, which JSON cannot say`, 'Leave it out.');
      case 'object':
        if (value !== null) this.#checkObject(value);
        return;
      case 'string':
      case 'boolean':
      case 'undefined':
        return;
    }
  }

  #checkObject(value: object): void {
    if (this.#around.has(value)) throw this.#bad('contains itself', 'Break the circle.');
    if (this.#around.size >= depthMax)
      throw this.#bad(`is nested deeper than ${String(depthMax)} levels`, 'Flatten it.');
    if (ArrayBuffer.isView(value) || unsayable.some((kind) => value instanceof kind))
      throw this.#bad(
        `is a ${value.constructor.name}, which JSON cannot say`,
        'Make it an object, an array or a text.',
      );
    if (value instanceof Date && Number.isNaN(value.getTime()))
      throw this.#bad('is a date that is none', 'Leave it out, or send null.');
    if (value instanceof Number) {
      this.check(value.valueOf());
      return;
    }
    this.#around.add(value);
    const said = asSaid(value);
    // JSON does not ask what it was given for its JSON once more.
    if (said === value || (typeof said === 'object' && said !== null)) this.#checkMembers(said);
    else this.check(said);
    this.#around.delete(value);
  }

  #checkMembers(value: object): void {
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at += 1) this.#checkMember(at, value[at], true);
    } else {
      for (const key of Object.keys(value)) this.#checkMember(key, (value as JsonObject)[key], false);
    }
  }

  #checkMember(key: string | number, member: unknown, isItem: boolean): void {
    this.#keys.push(key);
    if (isItem && member === undefined) throw this.#bad('is undefined, which JSON cannot say', 'Use null.');
    this.check(member);
    this.#keys.pop();
  }

  #bad(problem: string, hint: string): Error {
    const shown = this.#keys
      .slice(0, shownKeysMax)
      .map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${key}`));
    const more = this.#keys.length > shownKeysMax ? '…' : '';
    return badInput(`${this.#what}${shown.join('')}${more} ${problem}`, hint);
  }
}
