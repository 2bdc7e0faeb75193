/**
 * Scenarios: everything but the kills at named points (those are kills.mjs).
 *
 *   npm run build && node bench/oracle/faults.mjs [--kills 200] [--folders 1000] [--lanes 2] [--seed 1] [NAME …]
 *
 * NAME: storm, wire, silence, sources, poison, lists; all of them, if not said.
 */
import { command } from './command.mjs';
import { lists } from './lists.mjs';
import { poison } from './poison.mjs';
import { sources } from './sources.mjs';
import { storm } from './storm.mjs';
import { wire, wireKinds } from './wire.mjs';

const stormKillsPerRound = 40;

const onTheWire = (amount) =>
  wireKinds.map((kind) => ({
    name: `${amount} fault on ${kind}`,
    play: (stage, chance) => wire(stage, chance, kind, amount),
  }));

await command('faults', { kills: 200, folders: 1_000 }, async ({ kills, folders, words, run }) => {
  const scenarios = {
    storm: () =>
      Array.from({ length: Math.ceil(kills / stormKillsPerRound) }, (_, round) => ({
        name: `storm ${round + 1}`,
        play: (stage, chance) =>
          storm(stage, chance, Math.min(stormKillsPerRound, kills - round * stormKillsPerRound)),
      })),
    wire: () => onTheWire('every'),
    silence: () => onTheWire('slow'),
    sources: () => [{ name: 'sources', play: (stage, chance) => sources(stage, chance, 6) }],
    poison: () => [{ name: 'poison', play: (stage, chance) => poison(stage, chance, folders, 100) }],
    lists: () => [{ name: 'lists', play: (stage, chance) => lists(stage, chance) }],
  };
  for (const name of words.length > 0 ? words : Object.keys(scenarios)) {
    const rounds = scenarios[name];
    if (rounds === undefined) throw new Error(`there is no scenario ${name}`);
    await run(rounds(), name);
  }
});
