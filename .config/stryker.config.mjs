/**
 * Mutation testing of src/core: does a test notice when the code decides otherwise? `npm run mutate`, not part of
 * `npm test`. Core alone, because everything else is shown by faults from outside (bench/), and takes too long for this.
 */
export default {
  testRunner: 'vitest',
  vitest: { configFile: '.config/vitest.mutate.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: ['src/core/**/*.ts'],
  // Tests run what was built, except here: Stryker changes the source.
  ignorePatterns: ['*', '!src', '!src/core/**', '!test', '!test/core/**', '!.config', '!.config/*'],
  tempDirName: 'local/stryker',
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Counting what covers what makes the models eight times as slow as they are with a mutant in place.
  timeoutFactor: 0.4,
  timeoutMS: 10_000,
  // On a machine that is busy with other work the models take their time.
  dryRunTimeoutMinutes: 20,
  reporters: ['clear-text', 'html', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, reportTests: false, logTests: false },
  htmlReporter: { fileName: 'local/mutation/mutation.html' },
  jsonReporter: { fileName: 'local/mutation/mutation.json' },
  allowEmpty: false,
};
