/** Writes docs/config.schema.json anew from the built program's schema. A test fails when it was forgotten. */
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../dist/config/schema.js';

const target = new URL('../docs/config.schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
