/**
 * The outbox is damaged five hundred times, at rest and under the daemon; and it is locked by another program for a
 * minute.
 *
 *   npm run bench:damage [-- --damages 500] [--seconds 60] [--lanes 2] [--seed 1] [NAME …]
 *
 * NAME: damage, lock; both, if not said.
 */
import { play } from './command.mjs';
import { damage } from './damage.mjs';
import { longLock } from './longLock.mjs';

const damagesPerRound = 25;

await play({
  command: 'bench:damage',
  what: 'The outbox is damaged, at rest and under the daemon, and locked by another program; nothing may be sent twice.',
  sizes: { damages: ['how often it is damaged', 500], seconds: ['how long it is locked', 60] },
  scenarios: {
    damage: ({ damages }) =>
      Array.from({ length: Math.ceil(damages / damagesPerRound) }, (_, round) => ({
        name: `damage ${round + 1}`,
        play: (stage, chance) =>
          damage(stage, chance, Math.min(damagesPerRound, damages - round * damagesPerRound)),
      })),
    lock: ({ seconds }) => [{ name: 'lock', play: (stage, chance) => longLock(stage, chance, seconds) }],
  },
});
