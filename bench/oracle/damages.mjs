/**
 * The outbox is damaged five hundred times, at rest and under the daemon; and it is locked by another program for a
 * minute.
 *
 *   npm run build && node bench/oracle/damages.mjs [--damages 500] [--seconds 60] [--lanes 2] [--seed 1] [NAME …]
 *
 * NAME: damage, lock; both, if not said.
 */
import { command } from './command.mjs';
import { damage } from './damage.mjs';
import { longLock } from './longLock.mjs';

const damagesPerRound = 25;

await command('damage', { damages: 500, seconds: 60 }, async ({ damages, seconds, words, run }) => {
  const scenarios = {
    damage: () =>
      Array.from({ length: Math.ceil(damages / damagesPerRound) }, (_, round) => ({
        name: `damage ${round + 1}`,
        play: (stage, chance) =>
          damage(stage, chance, Math.min(damagesPerRound, damages - round * damagesPerRound)),
      })),
    lock: () => [{ name: 'lock', play: (stage, chance) => longLock(stage, chance, seconds) }],
  };
  for (const name of words.length > 0 ? words : Object.keys(scenarios)) {
    const rounds = scenarios[name];
    if (rounds === undefined) throw new Error(`there is no scenario ${name}`);
    await run(rounds(), name);
  }
});
