/** What several tables do with a line. */
import type { Draft } from './draft.ts';
import type { LineFields } from './solver.ts';

/** The line itself says what went wrong. */
export function errorLine(draft: Draft, { line }: LineFields): void {
  draft.status('error');
  draft.error(line);
}

/** What a program that uses the solver failed with: of the solve only when that had not come to an end. */
export function failure(draft: Draft, fields: LineFields): void {
  if (draft.isStated) return;
  draft.status('error');
  draft.error(fields.text('error') || fields.line);
}

/** Fields `rows` and `columns` are the model that presolve left. */
export function presolved(draft: Draft, fields: LineFields): void {
  draft.presolved(fields.number('rows'), fields.number('columns'));
}

/** Fields `rows` and `columns` are what presolve took away; the first line counts. */
export function removed(draft: Draft, fields: LineFields): void {
  if (draft.has('presolve_rows_removed')) return;
  draft.number('presolve_rows_removed', fields.number('rows'));
  draft.number('presolve_columns_removed', fields.number('columns'));
}

/** A field `percent` is the gap as the solver prints it. */
export function printedGap(draft: Draft, fields: LineFields): void {
  draft.printedGap(fields.number('percent') / 100);
}

/** Remembers that the part of the log that the line heads has begun. */
export const inPart =
  (part: number) =>
  (draft: Draft): void => {
    draft.notes.set('part', part);
  };

/** The line says that the model is an LP. */
export function withoutIntegers(draft: Draft): void {
  draft.number('integer_variables', 0);
}
