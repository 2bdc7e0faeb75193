/** Writes docs/runtrackd.1 anew from the built program's commands. A test fails when it was forgotten. */
import { writeFileSync } from 'node:fs';
import { manPage } from '../dist/cli/manPage.js';
import { program } from '../dist/cli/program.js';

writeFileSync(new URL('../docs/runtrackd.1', import.meta.url), manPage(await program()));
