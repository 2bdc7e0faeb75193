/** The template for the names of runs: text with placeholders, all of which are known. */
import { z } from 'zod';
import { didYouMean } from './nearest.ts';

const runNamePlaceholders = ['folder', 'root', 'host', 'date'] as const;
const known = runNamePlaceholders.map((name) => `{${name}}`).join(', ');

export const runNameTemplate = z
  .string()
  .min(1, 'must not be empty')
  .max(500, 'must have at most 500 characters')
  .superRefine((template, context) => {
    const names = [...template.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '');
    for (const name of names) {
      if (runNamePlaceholders.some((placeholder) => placeholder === name)) continue;
      context.addIssue(
        `unknown placeholder {${name}}${didYouMean(name, runNamePlaceholders)} (known: ${known})`,
      );
    }
    if (/[{}]/.test(template.replaceAll(/\{[^{}]*\}/g, '')))
      context.addIssue(`has a brace that belongs to no placeholder (known: ${known})`);
  });
