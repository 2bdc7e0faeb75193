/** What the bench's command line asks for, and where what it gives belongs. */
import { parseArgs } from 'node:util';

/** In this order: what matters most comes first. */
export const measureNames = [
  'drain',
  'tracked',
  'cost',
  'finished',
  'bursts',
  'artefacts',
  'json',
  'logs',
  'history',
];
/** Those that have more to play with `--huge`. */
const hugeNames = ['finished', 'bursts', 'json'];
/** What fewer rounds give is no result. */
const roundsMin = 5;
const roundsShort = 2;

export const help = `npm run bench [-- NAME…] [--rounds N] [--short] [--huge] [--list]

  NAME        ${measureNames.join(', ')}; all of them, if not said
  --rounds N  so many values of each, ${roundsMin} if not said; fewer are no result and go to local/bench-results
  --short     less of everything, twice, to try the bench out; goes to local/bench-results
  --huge      a million folders, larger bursts, 10 GB of JSON (${hugeNames.join(', ')}); results in files of their own
  --list      says what each measures
  --help      says this`;

const options = {
  rounds: { type: 'string' },
  short: { type: 'boolean', default: false },
  huge: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

/** @returns `{ names, rounds, isShort, isHuge, isList, isHelp }`, or `{ problem }`, one sentence */
export function askedFor(args) {
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch ({ message }) {
    const [sentence] = message.split(/[.\n]/);
    return { problem: `${sentence}; --help says what there is.` };
  }
  const { values, positionals } = parsed;
  const known = values.huge ? hugeNames : measureNames;
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const of = values.huge ? ' with --huge' : '';
    return { problem: `There is no measure ${unknown.join(', ')}${of}; there are: ${known.join(', ')}.` };
  }
  if (values.huge && values.short) return { problem: '--short and --huge exclude each other.' };
  const rounds = Number(values.rounds ?? (values.short ? roundsShort : roundsMin));
  if (values.rounds?.trim() === '' || !Number.isSafeInteger(rounds) || rounds < 1)
    return { problem: '--rounds is a whole number above 0.' };
  return {
    names: positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known,
    rounds,
    isShort: values.short,
    isHuge: values.huge,
    isList: values.list,
    isHelp: values.help,
  };
}

/**
 * What becomes of a measure's figures. What is no result takes no result's place, nor does one with `--huge` that of one
 * without.
 * @returns `whole` and `huge` are results; `short` is none, and `incomplete` has goals that could not be measured
 */
export function kindOf({ rounds, isShort, isHuge }, figures) {
  if (isShort || rounds < roundsMin) return 'short';
  if (figures.some(({ goal, holds }) => goal !== null && holds === null)) return 'incomplete';
  return isHuge ? 'huge' : 'whole';
}
