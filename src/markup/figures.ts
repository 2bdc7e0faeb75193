/** Key figures as a table: the leaves of nested objects, named by the way to them. */
import { html } from 'hono/html';
import { count, visible, type Markup } from './wording.ts';

/** More are no key figures; all of them are in the document they came with. */
const figuresMax = 200;
/** Deeper ones are shown as JSON. */
const depthMax = 8;
const valueCharsMax = 500;

type Figure = readonly [name: string, value: unknown];

export function figureTable(figures: Readonly<Record<string, unknown>>, label: string): Markup {
  const { found, isCut } = leaves(figures);
  return html`<div class="wide" tabindex="0" role="region" aria-label="${label}, as a table">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="number">Value</th>
          </tr>
        </thead>
        <tbody>
          ${found.map(
            ([name, value]) =>
              html`<tr>
                <th scope="row" class="id"><bdi>${visible(name)}</bdi></th>
                <td class="number"><bdi>${worded(value)}</bdi></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${isCut ? html`<p class="hint">These are the first ${count(figuresMax)}.</p>` : ''}`;
}

function leaves(figures: Readonly<Record<string, unknown>>): { found: Figure[]; isCut: boolean } {
  const found: Figure[] = [];
  let isCut = false;
  const visit = (value: unknown, name: string, depth: number): void => {
    if (found.length >= figuresMax) isCut = true;
    else if (!isBranch(value) || depth >= depthMax) found.push([name, value]);
    else {
      for (const [key, inner] of Object.entries(value)) {
        visit(inner, name === '' ? key : `${name}.${key}`, depth + 1);
        if (isCut) return;
      }
    }
  };
  visit(figures, '', 0);
  return { found, isCut };
}

function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
  );
}

/** Numbers with every digit they have: people compare them. */
export function worded(value: unknown): string {
  const text = typeof value === 'string' ? value : ((JSON.stringify(value) as string | undefined) ?? '');
  return visible(text.length > valueCharsMax ? `${text.slice(0, valueCharsMax)}…` : text);
}
