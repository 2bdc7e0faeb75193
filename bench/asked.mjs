/**
 * What a command of the bench is asked: its options, and the names of what is to be played. What it does not know ends it
 * with 2 and one sentence, before anything is played; `--help` prints what there is. What is less or other than what is
 * played without options is a trial: its figures go to local/bench-results, and take no result's place.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const [results, trials] = ['results', '../local/bench-results'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** What the text of an option may be: its value, or undefined for one that it cannot be. */
export const wholeNumber = {
  says: 'a whole number above 0',
  read: (text) => (/^\d+$/.test(text) && Number(text) > 0 ? Number(text) : undefined),
};
export const anyNumber = {
  says: 'a number above 0',
  read: (text) => (/^\d*\.?\d+$/.test(text) && Number(text) > 0 ? Number(text) : undefined),
};
export const oneOf = (words) => ({
  says: `one of ${words.join(', ')}`,
  read: (text) => (words.includes(text) ? text : undefined),
});

/** Something was asked that the command does not know. */
export class Misasked extends Error {}

/**
 * @param options by name `{ what, usual, is, isMany, result }`: `result` says which values are no trial, beside the usual
 *   one: 'any' of them (a seed), or 'more' (of what has a number); many are a list
 * @param names of what can be played; all of it, if nothing is said
 * @param isEachApart the figures of each name stand for themselves: a few of them are no trial
 */
export function understood({ options = {}, names = [], isEachApart = false }, args) {
  const { tokens } = parseArgs({
    args,
    // Its own sentences are for those who write programs.
    ...{ strict: false, allowPositionals: true, tokens: true },
    options: {
      ...Object.fromEntries(Object.keys(options).map((option) => [option, { type: 'string' }])),
      help: { type: 'boolean', short: 'h' },
    },
  });
  const values = Object.fromEntries(Object.entries(options).map(([option, { usual }]) => [option, usual]));
  const wanted = new Set();
  let isHelp = false;
  for (const { kind, name, value } of tokens) {
    if (kind === 'option-terminator') continue;
    if (kind === 'positional') {
      if (!names.includes(value)) throw new Misasked(unknown(value, names));
      wanted.add(value);
    } else if (name === 'help') isHelp = true;
    else {
      if (!Object.hasOwn(options, name))
        throw new Misasked(unknown(dashed(name), [...Object.keys(options), 'help'].map(dashed)));
      const { is = wholeNumber, isMany = false } = options[name];
      const given = value === undefined ? undefined : is.read(value);
      if (given === undefined)
        throw new Misasked(`${dashed(name)} is ${is.says}${value === undefined ? '' : `, not '${value}'`}.`);
      values[name] = isMany ? [...values[name], given] : given;
    }
  }
  const isFew = wanted.size > 0 && wanted.size < names.length && !isEachApart;
  const isOther = Object.entries(options).some(([option, { usual, result }]) => {
    if (result === 'any' || values[option] === usual) return false;
    return result !== 'more' || values[option] < usual;
  });
  return { values, names: wanted.size > 0 ? [...wanted] : names, isTrial: isFew || isOther, isHelp };
}

const dashed = (name) => (name.length === 1 ? `-${name}` : `--${name}`);

function unknown(word, known) {
  return `There is no ${word}${known.length === 0 ? '' : `; there are: ${known.join(', ')}`}.`;
}

/** @returns what `--help` prints */
export function helpOf({ command, what, options = {}, names = [], isEachApart = false, keeps = true }) {
  const isChoice = names.length > 1;
  const asks = [...(isChoice ? ['NAME…'] : []), ...(Object.keys(options).length > 0 ? ['OPTIONS'] : [])];
  const lines = Object.entries(options).map(([option, { what: told, usual, is = wholeNumber }]) => {
    const left = usual === undefined || usual.length === 0 ? '' : `, ${usual} if not said`;
    return `  ${dashed(option).padEnd(14)}${told}: ${is.says}${left}`;
  });
  const those = (wanted) =>
    Object.keys(options)
      .filter((option) => options[option].result === wanted)
      .map(dashed)
      .join(', ');
  const trialsAre = [
    ...(isChoice && !isEachApart ? ['a few of the names'] : []),
    ...(those('more') === '' ? [] : [`less of ${those('more')}`]),
    ...(those(undefined) === '' ? [] : [`another value of ${those(undefined)}`]),
  ];
  const with_ = trialsAre.length === 0 ? '' : `; with ${trialsAre.join(', or ')}, to local/bench-results`;
  return [
    what,
    `\n  npm run ${command} [-- ${[...asks, '--help'].join(' ')}]\n`,
    ...(isChoice ? [`  ${'NAME'.padEnd(14)}${names.join(', ')}; all of them, if not said`] : []),
    ...lines,
    ...(keeps ? [`\nFigures go to bench/results${with_}.`] : []),
  ].join('\n');
}

/**
 * Ends the process where it is not to be played.
 * @param asking as `understood` and `helpOf` have it
 * @returns the values, the names, and `keep`, which writes a file of what came of it to where it belongs
 */
export function asked(asking, args = process.argv.slice(2)) {
  const { values, names, isTrial, isHelp } = understoodOrEnd(asking, args);
  if (isHelp) {
    console.log(helpOf(asking));
    process.exit(0);
  }
  const placeOf = (isWhole) => (isTrial || !isWhole ? trials : results);
  return {
    values,
    names,
    /** @param isWhole false: something was not there that belongs to it, so that it is a trial all the same */
    keep: (file, content, isWhole = true) => {
      const place = placeOf(isWhole);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, file), content);
      if (place === trials) console.log(`no result, and kept apart from them: ${join(place, file)}`);
    },
    /** Where that file of an earlier time is. */
    placeOf: (file) => join(placeOf(true), file),
  };
}

function understoodOrEnd(asking, args) {
  try {
    return understood(asking, args);
  } catch (error) {
    if (!(error instanceof Misasked)) throw error;
    console.error(`${error.message} \`npm run ${asking.command} -- --help\` tells more.`);
    process.exit(2);
  }
}
