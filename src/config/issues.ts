/** What the schema finds wrong, in words for the person who wrote the file. */
import { z } from 'zod';
import { didYouMean } from './nearest.ts';
import type { Finding, KeyPath } from './problems.ts';

/** More would not help anybody, and a file of other stuff would have thousands. */
const unknownKeysMax = 20;

/** Checks a value; gives what the schema makes of it, or everything that is wrong with it. */
export function checkSchema<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { readonly checked: z.output<Schema> } | { readonly findings: readonly Finding[] } {
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return { checked: result.data };
  return { findings: result.error.issues.flatMap((issue) => toFindings(schema, issue)) };
}

function toFindings(schema: z.ZodType, issue: z.core.$ZodIssue): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const meant = meantForm(issue);
  if (meant !== null)
    return meant.flatMap((inner) => toFindings(schema, { ...inner, path: [...issue.path, ...inner.path] }));
  if (issue.code !== 'unrecognized_keys') return [{ path, what: issue.message }];
  const known = knownKeys(schema, path);
  return issue.keys.slice(0, unknownKeysMax).map((key) => ({
    path: [...path, key],
    what: `unknown key ${JSON.stringify(key)}${didYouMean(key, known)}`,
    atKey: true,
  }));
}

/** Of several forms, a word or a map, the map was meant where one is given: what is wrong in it is told, key by key. */
function meantForm(issue: z.core.$ZodIssue): z.core.$ZodIssue[] | null {
  if (issue.code !== 'invalid_union') return null;
  const isOtherForm = ({ path, code }: z.core.$ZodIssue): boolean =>
    path.length === 0 && code !== 'unrecognized_keys';
  return issue.errors.find((issues) => issues.length > 0 && !issues.some(isOtherForm)) ?? null;
}

function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return 'is required';
  if (issue.code === 'invalid_type') return expectedType(issue.expected, issue.input);
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code === 'invalid_union') return 'expected a text, number, true, false, null, a list or a map';
  if (issue.code !== 'invalid_value') return undefined;
  const values = issue.values.map(String);
  const anyOf = new Intl.ListFormat('en', { type: 'disjunction' });
  return `expected ${anyOf.format(values)}${typeof issue.input === 'string' ? didYouMean(issue.input, values) : ''}`;
}

function expectedType(expected: string, input: unknown): string {
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean'))
    return `expected a text: put it in quotes, "${input}"`;
  return `expected ${typeWords[expected] ?? expected}, got ${typeWords[typeOf(input)] ?? typeOf(input)}`;
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  null: 'nothing',
};

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** The keys that the schema has at a path. */
function knownKeys(schema: z.ZodType, path: KeyPath): string[] {
  let at: unknown = unwrapped(schema);
  for (const part of path) {
    if (at instanceof z.ZodObject) at = unwrapped(at.shape[String(part)]);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element);
    if (at instanceof z.ZodUnion) at = at.options.find((form) => form instanceof z.ZodObject) ?? at;
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** A schema without its defaults and the like. */
function unwrapped(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional || inner instanceof z.ZodNullable)
    inner = inner.unwrap();
  return inner;
}
