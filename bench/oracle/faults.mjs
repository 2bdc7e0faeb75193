/**
 * Scenarios: everything but the kills at named points (those are kills.mjs).
 *
 *   npm run bench:faults [-- --kills 200] [--folders 1000] [--disks 200] [--lanes 2] [--seed 1]
 *     [NAME …]
 *
 * NAME: storm, wire, silence, sources, poison, lists, disks; all of them, if not said.
 */
import { play } from './command.mjs';
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

await play({
  command: 'bench:faults',
  what: 'Faults of the network, of folders, of disks and of the platform; nothing may be lost or doubled.',
  sizes: {
    kills: ['how often the daemon is killed in the storm', 200],
    folders: ['how many there are, one in a hundred of them refused', 1_000],
    disks: ['how often one fails', 200],
  },
  scenarios: {
    storm: ({ kills }) =>
      Array.from({ length: Math.ceil(kills / stormKillsPerRound) }, (_, round) => ({
        name: `storm ${round + 1}`,
        play: (stage, chance) =>
          storm(stage, chance, Math.min(stormKillsPerRound, kills - round * stormKillsPerRound)),
      })),
    wire: () => onTheWire('every'),
    silence: () => onTheWire('slow'),
    sources: () => [{ name: 'sources', play: (stage, chance) => sources(stage, chance, 6) }],
    poison: ({ folders }) => [
      { name: 'poison', play: (stage, chance) => poison(stage, chance, folders, 100) },
    ],
    lists: () => [{ name: 'lists', play: (stage, chance) => lists(stage, chance) }],
    disks: ({ disks: faults }) => diskRounds(faults),
  },
});
