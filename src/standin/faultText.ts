/**
 * Faults in one line, the same on the command line and on the admin route: which requests, what happens to them, how
 * often.
 *
 *   create:drop-after:3
 *   uploadurl:429,retry-after=2
 *   list+metadata,app=hare-app,skip=1:503:always
 *   download:trickle=1000
 *   run:length=-10
 *
 * A value that holds `,`, `:` or `%` has them percent-encoded, so every fault can be written and shown in this form.
 */
import { appIdPattern } from '../core/appId.ts';
import { durationForm, durationMs, durationText } from './duration.ts';
import type { Aim, Misbehaviour } from './faults.ts';
import { requestKinds, type RequestKind } from './requestKind.ts';

export interface Fault {
  readonly aim: Aim;
  readonly misbehaviour: Misbehaviour;
  /** Infinity: always. */
  readonly times: number;
}

/** What is wrong with a fault, in words for whoever wrote it. */
export class FaultProblem extends Error {}

/** Room for an answer of a page of garbage; one that is longer teaches a client nothing more. */
export const faultCharsMax = 8_192;
const countMax = 1_000_000;
const delayMax = '24h';
/** A trickle of more is a flood; real slowness is far below it. */
const bytesPerSecondMax = 10_000_000;
/** More than any answer that is not an artefact has. */
const offByBytesMax = 1_000_000;

const shape = 'REQUESTS:FAULT or REQUESTS:FAULT:TIMES, for example create:drop-after:3';
const misbehaviours =
  'a status such as 429, drop-before, drop-after, drop-midway, hang, delay=2s, trickle=1000 (bytes a second), length=-10 (promises 10 bytes fewer than it sends; +10: more)';

/** @throws FaultProblem */
export function parseFault(text: string): Fault {
  if (text.length > faultCharsMax) throw new FaultProblem(`a fault has at most ${faultCharsMax} characters`);
  const [requests, misbehaviour, times, ...more] = text.split(':');
  if (requests === undefined || misbehaviour === undefined || more.length > 0) {
    throw new FaultProblem(`${JSON.stringify(text)} is not ${shape}`);
  }
  return {
    aim: parseAim(requests),
    misbehaviour: parseMisbehaviour(misbehaviour),
    times: times === undefined ? 1 : times === 'always' ? Infinity : parseCount('TIMES', times, 1),
  };
}

export function faultText({ aim, misbehaviour, times }: Fault): string {
  const kinds = typeof aim.kind === 'string' ? [aim.kind] : (aim.kind ?? ['any']);
  const requests = [
    kinds.join('+'),
    ...(aim.app === undefined ? [] : [`app=${encoded(aim.app)}`]),
    ...(aim.skip === undefined || aim.skip === 0 ? [] : [`skip=${aim.skip}`]),
  ];
  const often = times === 1 ? [] : [times === Infinity ? 'always' : String(times)];
  return [requests.join(','), misbehaviourText(misbehaviour), ...often].join(':');
}

function parseAim(text: string): Aim {
  const { word, details } = wordsOf(text, ['app', 'skip']);
  const app = details.get('app');
  if (app !== undefined && !appIdPattern.test(app))
    throw new FaultProblem(`app=${app} is no app id: 3 to 30 of a-z, 0-9, "." and "-"`);
  const skip = details.get('skip');
  return {
    ...(word === 'any' ? {} : { kind: word.split('+').map(parseKind) }),
    ...(app === undefined ? {} : { app }),
    ...(skip === undefined ? {} : { skip: parseCount('skip', skip, 0) }),
  };
}

function parseKind(text: string): RequestKind {
  const kind = requestKinds.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new FaultProblem(
    `${JSON.stringify(text)} is no kind of request: choose from any, ${requestKinds.join(', ')}`,
  );
}

function parseMisbehaviour(text: string): Misbehaviour {
  const word = /^[^,=]*/.exec(text)?.[0] ?? '';
  switch (word) {
    case 'drop-before':
    case 'drop-after':
    case 'drop-midway':
      wordsOf(text, []);
      return { kind: 'drop', when: word.slice('drop-'.length) as 'before' | 'after' | 'midway' };
    case 'hang': {
      const { details } = wordsOf(text, ['carried-out']);
      return { kind: 'hang', carriedOut: details.has('carried-out') };
    }
    case 'delay':
      return { kind: 'delay', ms: parseDelay(onlyValue(text, 'delay=2s')) };
    case 'trickle':
      return {
        kind: 'trickle',
        bytesPerSecond: parseCount('trickle', onlyValue(text, 'trickle=1000'), 1, bytesPerSecondMax),
      };
    case 'length':
      return { kind: 'length', offByBytes: parseOffBy(onlyValue(text, 'length=-10')) };
    default:
      return parseAnswer(text, word);
  }
}

function parseAnswer(text: string, word: string): Misbehaviour {
  const status = Number(word);
  // Answers with these have no body, and cannot be given one.
  const bodiless = [204, 205, 304].includes(status);
  if (!/^[2-5]\d\d$/.test(word) || bodiless) {
    throw new FaultProblem(`${JSON.stringify(word)} is no fault: choose from ${misbehaviours}`);
  }
  const { details } = wordsOf(text, ['retry-after', 'location', 'body', 'carried-out']);
  const retryAfter = details.get('retry-after');
  if (retryAfter !== undefined && !isRetryAfter(retryAfter)) {
    throw new FaultProblem(
      `retry-after=${retryAfter} is neither whole seconds nor a date such as Sun, 22 Nov 2026 03:26:41 GMT`,
    );
  }
  const location = details.get('location');
  // Anything else is no header.
  if (location !== undefined && !/^[\x21-\x7e]+$/.test(location))
    throw new FaultProblem(`location=${location} is no address: it has to be of ASCII, without spaces`);
  const body = details.get('body');
  return {
    kind: 'answer',
    status,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(location === undefined ? {} : { location }),
    ...(body === undefined ? {} : { body }),
    ...(details.has('carried-out') ? { carriedOut: true } : {}),
  };
}

function misbehaviourText(misbehaviour: Misbehaviour): string {
  switch (misbehaviour.kind) {
    case 'answer': {
      const { status, retryAfter, location, body, carriedOut } = misbehaviour;
      return [
        String(status),
        ...(retryAfter === undefined ? [] : [`retry-after=${encoded(retryAfter)}`]),
        ...(location === undefined ? [] : [`location=${encoded(location)}`]),
        ...(body === undefined ? [] : [`body=${encoded(body)}`]),
        ...(carriedOut === true ? ['carried-out'] : []),
      ].join(',');
    }
    case 'drop':
      return `drop-${misbehaviour.when}`;
    case 'hang':
      return misbehaviour.carriedOut ? 'hang,carried-out' : 'hang';
    case 'delay':
      return `delay=${durationText(misbehaviour.ms)}`;
    case 'trickle':
      return `trickle=${misbehaviour.bytesPerSecond}`;
    case 'length': {
      const { offByBytes } = misbehaviour;
      return `length=${offByBytes > 0 ? '+' : ''}${offByBytes}`;
    }
  }
}

/** A word, and after commas its details: `name=value`, or the name alone where it says enough. */
function wordsOf(text: string, allowed: readonly string[]): { word: string; details: Map<string, string> } {
  const [word = '', ...parts] = text.split(',');
  const details = new Map<string, string>();
  for (const part of parts) {
    const [name = '', ...value] = part.split('=');
    const isBare = name === 'carried-out';
    if (!allowed.includes(name) || details.has(name) || isBare !== (value.length === 0)) {
      const what =
        allowed.length === 0 ? 'nothing may' : `these may, once each: ${allowed.map(shown).join(', ')}`;
      throw new FaultProblem(`${JSON.stringify(part)} cannot stand after ${JSON.stringify(word)}: ${what}`);
    }
    details.set(name, decoded(value.join('=')));
  }
  return { word, details };
}

function shown(name: string): string {
  return name === 'carried-out' ? name : `${name}=…`;
}

/** The value of `delay=2s`. */
function onlyValue(text: string, example: string): string {
  const value = /^[^=,]+=([^,]+)$/.exec(text)?.[1];
  if (value !== undefined) return value;
  throw new FaultProblem(`${JSON.stringify(text)} needs one value and nothing more, for example ${example}`);
}

function parseDelay(text: string): number {
  const parsedMs = durationMs(text);
  if (parsedMs === null) throw new FaultProblem(`delay=${text} needs ${durationForm}`);
  if (parsedMs > (durationMs(delayMax) ?? 0)) throw new FaultProblem(`delay=${text}: at most ${delayMax}`);
  return parsedMs;
}

function parseOffBy(text: string): number {
  const bytes = /^[+-]\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (bytes !== 0 && Math.abs(bytes) <= offByBytesMax) return bytes;
  throw new FaultProblem(
    `length=${text} needs a sign and a whole number from 1 to ${offByBytesMax}, for example length=-10`,
  );
}

function parseCount(name: string, text: string, least: number, most = countMax): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (count >= least && count <= most) return count;
  const always = name === 'TIMES' ? ', or always' : '';
  throw new FaultProblem(
    `${name} is a whole number from ${least} to ${most}${always}, not ${JSON.stringify(text)}`,
  );
}

function isRetryAfter(text: string): boolean {
  return /^\d{1,9}$/.test(text) || (/^[A-Z][a-z]{2}, [\w :]+ GMT$/.test(text) && !isNaN(Date.parse(text)));
}

function encoded(value: string): string {
  return value.replace(/[%,:]/g, encodeURIComponent);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new FaultProblem(`${JSON.stringify(value)} has a % that stands for nothing: write %25`);
  }
}
