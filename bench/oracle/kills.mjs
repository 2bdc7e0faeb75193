/**
 * Scenario: the daemon dies by SIGKILL at each named point of a run's life, a thousand times in all, and nothing may be
 * lost or doubled.
 *
 *   npm run bench:kills [-- --kills 1000] [--lanes 3] [--seed 1]
 */
import { play } from './command.mjs';
import { labelledKills } from './labelledKills.mjs';

const killsPerRound = 48;

await play({
  command: 'bench:kills',
  what: 'The daemon dies by SIGKILL at each named point of a run’s life; nothing may be lost or doubled.',
  sizes: { kills: ['how often', 1_000] },
  lanes: 3,
  scenarios: {
    kills: ({ kills }) =>
      Array.from({ length: Math.ceil(kills / killsPerRound) }, (_, round) => ({
        name: `kills ${round + 1}`,
        play: (stage, chance) =>
          labelledKills(stage, chance, Math.min(killsPerRound, kills - round * killsPerRound)),
      })),
  },
});
