/**
 * Scenario: the daemon dies by SIGKILL at each named point of a run's life, a thousand times in all, and nothing may be
 * lost or doubled.
 *
 *   npm run build && node bench/oracle/kills.mjs [--kills 1000] [--lanes 3] [--seed 1]
 */
import { command } from './command.mjs';
import { labelledKills } from './labelledKills.mjs';

await command('kills', { kills: 1_000, lanes: 3 }, async ({ kills, run }) => {
  const killsPerRound = 48;
  await run(
    Array.from({ length: Math.ceil(kills / killsPerRound) }, (_, round) => ({
      name: `kills ${round + 1}`,
      play: (stage, chance) =>
        labelledKills(stage, chance, Math.min(killsPerRound, kills - round * killsPerRound)),
    })),
  );
});
