/**
 * What `npm start` and `npm test` do first: install and build what is missing, so that both work on a fresh clone, and
 * say nothing when nothing is missing. Needs nothing but Node itself.
 *
 * This file must be understood by a Node that is too old, to be able to say so: hence no import at the top and nothing
 * newer than 2020 in it. The work is in the folder prepare.
 */
const version = process.versions.node.split('.').map(Number);
const isOldNode = version[0] < 20 || (version[0] === 20 && version[1] < 19);

if (isOldNode) {
  console.error(
    'runtrackd needs Node.js 20.19 or newer, and this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n' +
      'Install a newer one, for example from https://nodejs.org/en/download, and run this again.',
  );
  process.exitCode = 1;
} else {
  import('./prepare/prepare.mjs').then((module) => module.prepare(new URL('..', import.meta.url)));
}
