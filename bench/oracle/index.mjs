/** What the project's own tests take from this bench. */
export { check } from './checker.mjs';
export { damage } from './damage.mjs';
export { disks } from './disks.mjs';
export { impatientProgram } from './program.mjs';
export { playRound } from './command.mjs';
export { labelledKills } from './labelledKills.mjs';
export { lists } from './lists.mjs';
export { poison } from './poison.mjs';
export { sources } from './sources.mjs';
export { storm } from './storm.mjs';
export { wire } from './wire.mjs';
