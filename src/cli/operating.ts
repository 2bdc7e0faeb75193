/**
 * What `explain` says, from the page that ships with the package: one text, read here and there. An entry is a heading of
 * the third level in docs/operating.md, and what stands below it.
 */
import { readFileSync } from 'node:fs';

const page = new URL('../../docs/operating.md', import.meta.url);

export interface Explanation {
  readonly topic: string;
  readonly text: string;
}

/** Every entry, in the order of the page. */
export function explanations(): readonly Explanation[] {
  return explanationsIn(readFileSync(page, 'utf8'));
}

/** Pure. @param text Markdown */
export function explanationsIn(text: string): readonly Explanation[] {
  const [, ...parts] = text.split(/^### /m);
  return parts.map((part) => {
    const [topic = '', ...rest] = part.split('\n');
    // The last entry of a section ends where the next section begins.
    const [body = ''] = rest.join('\n').split(/^## /m);
    return { topic, text: body.trim() };
  });
}

/** What a person is told to type where an entry says more; empty where there is none. */
export function explainHint(topic: string): string {
  return explanations().some((entry) => entry.topic === topic) ? `runtrackd explain ${topic}` : '';
}
