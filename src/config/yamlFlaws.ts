/**
 * What the YAML parser finds wrong, in words for someone who only wants to edit a file. Nothing of the file is repeated:
 * the parser quotes what it stumbles over, and that may be the password of a proxy or a key pasted into the wrong place.
 */
import type { ErrorCode, YAMLError } from 'yaml';

/** After a mistake in the syntax, the rest of the file may look like nothing but mistakes. */
const flawsMax = 20;

const notKnown = 'cannot be read as YAML';
const tagText =
  'a ! at the beginning of a value means a tag, and this one is not known here: put the value in quotes';

/** For each kind of mistake its text; null: the parser's own, which is always the same and quotes nothing. */
const texts: Readonly<Record<ErrorCode, string | null>> = {
  ALIAS_PROPS: null,
  BAD_ALIAS: null,
  BAD_COLLECTION_TYPE: tagText,
  BAD_DIRECTIVE:
    'a % at the beginning of a line means a directive, and this is none that counts here: take the line out, or put the value in quotes',
  BAD_DQ_ESCAPE:
    'a backslash in "…" begins an escape, and this is none: write \\\\ for a backslash, or put the value in \'…\'',
  BAD_INDENT: null,
  BAD_PROP_ORDER: null,
  BAD_SCALAR_START: null,
  BLOCK_AS_IMPLICIT_KEY: null,
  BLOCK_IN_FLOW: null,
  DUPLICATE_KEY: null,
  IMPOSSIBLE: notKnown,
  KEY_OVER_1024_CHARS: null,
  MISSING_CHAR: null,
  MULTILINE_IMPLICIT_KEY: null,
  MULTIPLE_ANCHORS: null,
  MULTIPLE_DOCS: null,
  MULTIPLE_TAGS: null,
  NON_STRING_KEY: 'a key has to be plain text',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  TAB_AS_INDENT: null,
  TAG_RESOLVE_FAILED: tagText,
  UNEXPECTED_TOKEN:
    'what stands here does not go with what is before it: look for a bracket, brace or quote that has no partner, here or above, and at the indentation',
};

/** The mistakes that are worth telling: of a run of leftovers, which follow from the first, that one. */
export function worthTelling(errors: readonly YAMLError[]): readonly YAMLError[] {
  return errors
    .filter(({ code }, index) => code !== 'UNEXPECTED_TOKEN' || errors[index - 1]?.code !== code)
    .slice(0, flawsMax);
}

export function flawText({ code, message }: YAMLError): string {
  // A later version of the parser may know of more.
  const text = (texts as Readonly<Partial<Record<string, string | null>>>)[code];
  return text === null ? message : (text ?? notKnown);
}
