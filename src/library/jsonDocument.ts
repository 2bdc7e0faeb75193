/**
 * Values as JSON text, refused where JSON cannot say them: `JSON.stringify` writes NaN as null and a Map as {}, and
 * what arrives is then another document than the one that was meant.
 */
import { badInput } from './badInput.ts';

/** An object at the top of a document; what is in it is checked when it is sent. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper documents overflow the stacks of whoever reads them. */
const depthMax = 1_000;

/**
 * @param what as an error names it: "input"
 * @throws RuntrackdError (bad-input) naming the place, e.g. `input.routes[3].cost is NaN`
 */
export function jsonText(value: unknown, what: string): string {
  new Walk(what).check(value);
  let text: string | undefined;
  try {
    // Undefined for what has no JSON at all, whatever its types say.
    text = JSON.stringify(value);
  } catch (error) {
    throw badInput(
      `${what} cannot be written as JSON (${error instanceof Error ? error.message : 'unknown trouble'})`,
      'Write a document of this size to a file, and give its path.',
    );
  }
  if (typeof text !== 'string')
    throw badInput(`${what} is nothing that JSON can say`, 'Give an object or a text.');
  return text;
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
    if ('toJSON' in value && typeof value.toJSON === 'function') return;
    if (this.#around.has(value)) throw this.#bad('contains itself', 'Break the circle.');
    if (this.#around.size >= depthMax)
      throw this.#bad(`is nested deeper than ${String(depthMax)} levels`, 'Flatten it.');
    if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
      throw this.#bad(
        `is a ${value.constructor.name}, which JSON cannot say`,
        'Make it an object or an array.',
      );
    this.#around.add(value);
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at += 1) this.#checkMember(at, value[at], true);
    } else {
      for (const key of Object.keys(value)) this.#checkMember(key, (value as JsonObject)[key], false);
    }
    this.#around.delete(value);
  }

  #checkMember(key: string | number, member: unknown, isItem: boolean): void {
    this.#keys.push(key);
    if (isItem && member === undefined) throw this.#bad('is undefined, which JSON cannot say', 'Use null.');
    this.check(member);
    this.#keys.pop();
  }

  #bad(problem: string, hint: string): Error {
    const shown = this.#keys
      .slice(0, 20)
      .map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${key}`));
    return badInput(`${this.#what}${shown.join('')}${this.#keys.length > 20 ? '…' : ''} ${problem}`, hint);
  }
}
