import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Simulations and models: a mutant that a table notices need not wait for them. */
const slowTests = ['lifecycle.model', 'withoutMember', 'description', 'identity', 'piecewise', 'pace'].map(
  (name) => `${name}.test.ts`,
);

class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => slowTests.indexOf(basename(moduleId));
    return Promise.resolve([...files].sort((one, other) => rank(one) - rank(other)));
  }
}

/** For `npm run mutate` alone: core from its source, because that is where the mutants are, and its tables and models. */
export default defineConfig({
  root: resolve(dirname(fileURLToPath(import.meta.url)), '..'),
  test: {
    include: ['test/core/**/*.test.ts'],
    // What is shown there is that the model bites, not the lifecycle.
    exclude: ['test/core/lifecycle.modelBites.test.ts'],
    sequence: { sequencer: QuickFirst },
    env: { MODEL_LIVES: '2000' },
    setupFiles: ['.config/firstFailure.mjs'],
    // Nobody reads how two lists of a hundred thousand names differ.
    chaiConfig: { truncateThreshold: 40 },
    diff: { truncateThreshold: 20, maxDepth: 3 },
    testTimeout: 60_000,
  },
});
