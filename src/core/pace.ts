/**
 * One of the platform's limits, shared with hosts that nobody here can talk to. A pace gives out slots evenly, a little
 * below the limit; it learns of the others only by refusals (429), gives way then, and widens again by itself while it is
 * used. Alone on an account it never meets a refusal.
 *
 * How many share it shows in how often one is refused, and that is the same for all. So each rate has its measure of
 * refusals, higher for lower rates: whoever meets fewer widens, whoever meets more narrows, and hosts that are refused
 * alike come to the same rate, whatever they began with. An accepted request widens by `stride` times that measure, a
 * refusal narrows by `stride`; where these balance does not hang on the stride, which is long for a beginner, to be near
 * its share soon, and short later, to stay there.
 *
 * Pure: time (a monotonic clock) and chance are arguments; the state is a value. `npm run bench:sharing` plays it with up
 * to 500 hosts, and its options change any of the numbers below.
 */

export interface PacePolicy {
  /** Of the limit: the rest is for jitter of the network and drift of clocks. */
  readonly capShare: number;
  /** So many slots may be caught up at once when one was late. */
  readonly depth: number;
  /** The gap between two slots varies by this part, so that hosts do not keep step. */
  readonly gapJitter: number;
  /** Refusals for each accepted request, at a rate of `bendShare`. */
  readonly refusals: number;
  /**
   * Of the limit. Above it half the rate has twice the refusals, which makes up to twenty hosts even; below it they grow
   * by `bendPower` only, or hundreds of hosts would be refused most of what they ask.
   */
  readonly bendShare: number;
  readonly bendPower: number;
  /** How far a beginner goes at a refusal: to e^-0.45, 64 %. */
  readonly strideMax: number;
  /** And whoever is where it belongs: to 89 %. */
  readonly strideMin: number;
  /** With each refusal, met or to be expected by now, the stride loses this part of what it has above the least. */
  readonly strideLoss: number;
  /** Once so many refusals were to be expected in a row of successes, others have gone: growth speeds up. */
  readonly patience: number;
  /** Up to so many times. */
  readonly speedMax: number;
  /** A rate never falls below this, in slots a second: with hundreds of hosts even that is much. */
  readonly rateMin: number;
  /** What a host begins with that comes back after an outage together with all others. */
  readonly startShare: number;
  /** And within which time its first request leaves, in ms. */
  readonly recoverSpreadMs: number;
}

/** What `npm run bench:sharing` gave for others, of N hosts; Jain is that of the worst of 40 beginnings. */
export const pacePolicy: PacePolicy = {
  // 1 would be refused for jitter alone.
  capShare: 0.97,
  // 1: 94 % of the limit used alone.
  depth: 1.5,
  gapJitter: 0.1,
  // 0.13: 5.8 % of all requests refused at N = 100, 11.8 % at 500. 0.07: half as long again until all is used that
  // another client left.
  refusals: 0.095,
  // 0.1: 5.9 % refused at N = 100, and Jain 0.73 to 0.77 at 20.
  bendShare: 0.05,
  // 0.25: Jain 0.61 at N = 100 after half an hour, not 0.75.
  bendPower: 0.45,
  // 0.12: a hundred that come back are calm after 171 s, not 98. 0.7: Jain 0.74 at N = 2.
  strideMax: 0.45,
  // 0.3: Jain 0.67 to 0.78 at N = 2. 0.06: 13.5 % refused at N = 500.
  strideMin: 0.12,
  // 0.1: Jain 0.74 at N = 2. 0.5: a hundred that come back are calm after 161 s.
  strideLoss: 0.2,
  // 3: what another client left is all used again after 240 to 400 s, not 120 to 190.
  patience: 1.2,
  speedMax: 30,
  // 1/60 holds 500 hosts at 15 % refused for ever.
  rateMin: 1 / 300,
  // 0.05: Jain 0.73 at N = 20 after an outage. 1: a hundred that come back are calm after 163 s.
  startShare: 0.1,
  // 30 s: of 200 hosts 5.7 % come in the same second, not 3.6 %.
  recoverSpreadMs: 60_000,
};

/** A pause that a server wishes for is stretched by at least this much at random, in ms, but not beyond it by default. */
const wishJitterMsMax = 30_000;

export interface Pace {
  /** The platform's limit, in requests a second; null: there is none. */
  readonly limit: number | null;
  /** Slots a second that are given out now. */
  readonly rate: number;
  /** Doubles with each accepted request until it first meets a refusal or the limit. */
  readonly isStarting: boolean;
  /** Accepted in a row. */
  readonly successes: number;
  /** How far the next refusal narrows the rate, on a logarithmic scale; growth goes with it. */
  readonly stride: number;
  /** When the next slot is due by the pace, in ms. */
  readonly slotAtMs: number;
  /** Before this nothing leaves, because the server said so, in ms. */
  readonly floorAtMs: number;
  /** When the rate was last cut, in ms: what was sent before that is of the same episode. */
  readonly cutAtMs: number;
}

/** What was taken: to be handed back with the answer. */
export interface Slot {
  readonly sentAtMs: number;
  /** We waited for the pace, not the pace for work: only then is a success a reason to grow. */
  readonly isHungry: boolean;
  /** By how much it put the next one off, in ms. */
  readonly putOffMs: number;
}

/** @param isRecovering the platform was away, or the oldest waiting run is old: others come back at the same moment */
export function startPace(
  limit: number | null,
  isRecovering: boolean,
  nowMs: number,
  random: number,
  policy: PacePolicy = pacePolicy,
): Pace {
  const cap = limit === null ? Infinity : limit * policy.capShare;
  const firstAtMs = nowMs + (isRecovering && limit !== null ? random * policy.recoverSpreadMs : 0);
  return {
    limit,
    rate: isRecovering ? cap * policy.startShare : cap,
    isStarting: true,
    successes: 0,
    stride: policy.strideMax,
    slotAtMs: firstAtMs,
    // Catching up would let all who come first in the spread leave at its very beginning.
    floorAtMs: isRecovering ? firstAtMs : 0,
    cutAtMs: -Infinity,
  };
}

/** A pace that takes another's place: what the server wished for outlasts whatever makes us begin anew. */
export function notBefore(pace: Pace, { floorAtMs: wishedMs }: Pace): Pace {
  const floorAtMs = Math.max(pace.floorAtMs, wishedMs);
  return { ...pace, floorAtMs, slotAtMs: Math.max(pace.slotAtMs, floorAtMs) };
}

/** When a slot may be taken, in ms; due when not later than now. */
export function freeAtMs(pace: Pace, policy: PacePolicy = pacePolicy): number {
  const ahead = Number.isFinite(pace.rate) ? ((policy.depth - 1) * 1_000) / pace.rate : 0;
  return Math.max(pace.floorAtMs, pace.slotAtMs - ahead);
}

/** Takes the slot that is due. */
export function takeSlot(
  pace: Pace,
  nowMs: number,
  random: number,
  policy: PacePolicy = pacePolicy,
): { readonly pace: Pace; readonly slot: Slot } {
  const gapMs = Number.isFinite(pace.rate) ? 1_000 / pace.rate : 0;
  const isHungry = nowMs - pace.slotAtMs < gapMs;
  const putOffMs = gapMs * (1 + policy.gapJitter * (2 * random - 1));
  const slotAtMs = Math.max(pace.slotAtMs, nowMs) + putOffMs;
  return { pace: { ...pace, slotAtMs }, slot: { sentAtMs: nowMs, isHungry, putOffMs } };
}

/** Nothing was asked with it: whoever is next has it. A refusal that came meanwhile has set anew when that may be. */
export function handedBack(pace: Pace, { sentAtMs, putOffMs }: Slot): Pace {
  return sentAtMs > pace.cutAtMs ? { ...pace, slotAtMs: pace.slotAtMs - putOffMs } : pace;
}

/** The platform took the request, whatever it then said of it. */
export function accepted(pace: Pace, { isHungry }: Slot, policy: PacePolicy = pacePolicy): Pace {
  const { limit } = pace;
  if (limit === null) return pace;
  const cap = limit * policy.capShare;
  const successes = pace.successes + 1;
  // Unused pace proves nothing, so it does not grow.
  if (!isHungry && pace.rate >= 0.02 * cap) return { ...pace, successes };
  if (pace.isStarting) {
    const doubled = pace.rate * 2;
    return doubled < cap
      ? { ...pace, successes, rate: doubled }
      : { ...pace, successes, rate: cap, isStarting: false };
  }
  const refusals = refusalsAt(pace.rate / limit, policy);
  const missing = (successes * refusals) / policy.patience;
  const speed = missing > 1 ? Math.min(policy.speedMax, missing ** 2) : 1;
  const rate = Math.min(cap, pace.rate * (1 + pace.stride * refusals * speed));
  return { ...pace, successes, rate, stride: shortened(pace.stride, refusals, policy) };
}

/** Whether a rate is so far below what is configured that a person is told. Both in requests of one unit of time. */
export function isWellBelow(rate: number, limit: number): boolean {
  return rate < limit / 4;
}

/** How many refusals for each accepted request a host is to meet that has this share of the limit. */
function refusalsAt(share: number, { refusals, bendShare, bendPower }: PacePolicy): number {
  const bends = share / bendShare;
  return refusals * bends ** (bends > 1 ? -1 : -bendPower);
}

/** @param refusals met, or to be expected since the last time */
function shortened(stride: number, refusals: number, { strideMin, strideLoss }: PacePolicy): number {
  return strideMin + (stride - strideMin) * (1 - Math.min(1, strideLoss * refusals));
}

/**
 * The platform refused the request as one too many (429).
 * @param retryAfterMs the server's wish; undefined when it has none
 */
export function refused(
  pace: Pace,
  slot: Slot,
  retryAfterMs: number | undefined,
  nowMs: number,
  random: number,
  policy: PacePolicy = pacePolicy,
): Pace {
  // With no limit configured a refusal shows that there is one after all: begin from what can be guessed of it.
  const { limit } = pace;
  const rate = Number.isFinite(pace.rate) ? pace.rate : unlimitedRateGuess;
  let next: Pace = { ...pace, successes: 0 };
  // Requests that were in the air when the rate was cut say nothing new.
  if (slot.sentAtMs > pace.cutAtMs) {
    const lower = Math.max(policy.rateMin, rate * Math.exp(-pace.stride));
    next = {
      ...next,
      limit: limit ?? unlimitedRateGuess,
      rate: lower,
      isStarting: false,
      stride: shortened(pace.stride, 1, policy),
      cutAtMs: nowMs,
      slotAtMs: Math.max(pace.slotAtMs, nowMs + (1_000 / lower) * (0.5 + random)),
    };
  }
  const wishMs = retryAfterMs !== undefined && Number.isFinite(retryAfterMs) ? Math.max(0, retryAfterMs) : 0;
  if (wishMs > 0) {
    const jitterMs = Math.max(wishMs / 2, Math.min(wishJitterMsMax, 1_000 / next.rate));
    next = { ...next, floorAtMs: Math.max(next.floorAtMs, nowMs + wishMs + random * jitterMs) };
  }
  return next;
}

/** Requests a second that a platform without a configured limit is taken to bear once it has refused one. */
const unlimitedRateGuess = 100;
