/**
 * Scenarios: everything but the kills at named points (those are kills.mjs).
 *
 *   npm run build && node bench/oracle/faults.mjs [--kills 200] [--folders 1000] [--disks 200] [--lanes 2] [--seed 1]
 *     [NAME …]
 *
 * NAME: storm, wire, silence, sources, poison, lists, disks; all of them, if not said.
 */
import { command } from './command.mjs';
import { disks } from './disks.mjs';
import { whyUnfailing } from './failingDisk.mjs';
import { lists } from './lists.mjs';
import { poison } from './poison.mjs';
import { sources } from './sources.mjs';
import { storm } from './storm.mjs';
import { wire, wireKinds } from './wire.mjs';

const stormKillsPerRound = 40;
const diskFaultsPerRound = 20;

const onTheWire = (amount) =>
  wireKinds.map((kind) => ({
    name: `${amount} fault on ${kind}`,
    play: (stage, chance) => wire(stage, chance, kind, amount),
  }));

function diskRounds(faults) {
  const why = whyUnfailing();
  if (why !== null) {
    console.error(`SKIPPED: disks, which cannot be made to fail here: ${why}`);
    return [];
  }
  return Array.from({ length: Math.ceil(faults / diskFaultsPerRound) }, (_, round) => ({
    name: `disks ${round + 1}`,
    play: (stage, chance) =>
      disks(stage, chance, Math.min(diskFaultsPerRound, faults - round * diskFaultsPerRound)),
  }));
}

const usual = { kills: 200, folders: 1_000, disks: 200 };
await command('faults', usual, async ({ kills, folders, disks: faults, words, run }) => {
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
    disks: () => diskRounds(faults),
  };
  for (const name of words.length > 0 ? words : Object.keys(scenarios)) {
    const rounds = scenarios[name];
    if (rounds === undefined) throw new Error(`there is no scenario ${name}`);
    await run(rounds(), name);
  }
});
