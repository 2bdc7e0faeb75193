/** A member is cut out of a document, and nothing else of it changes. */
import { expect, test } from 'vitest';
import { withoutMember } from '../../src/core/withoutMember.ts';

test.for([
  ['{"id":"r","output":{"url":"u"},"n":9007199254740993}', '{"id":"r","n":9007199254740993}'],
  ['{"output":[1,{"output":2}]}', '{}'],
  ['{ "a": {"output": 1.0}, "\\u006futput": "}, \\"a\\": 1", "b": [] }', '{ "a": {"output": 1.0}, "b": [] }'],
  ['{"a":"output","output":null}', '{"a":"output"}'],
  ['{"a":-0,"b":1e400}', '{"a":-0,"b":1e400}'],
  ['{}', '{}'],
] as const)('%s', ([json, rest]) => {
  expect(withoutMember(json, 'output')).toBe(rest);
});

test.for(['\\n', '\\"', '\\\\'])(
  'a text of millions of %s is cut out and left in like any other',
  (escape) => {
    const text = `"${escape.repeat(4_000_000)}"`;
    expect(withoutMember(`{"a":${text},"output":${text},"b":1}`, 'output')).toBe(`{"a":${text},"b":1}`);
  },
);
