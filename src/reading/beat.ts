import type { Clock } from '../system/clock.ts';

/** Called with each chunk that is read: a large file on a slow disk takes its time, and moves all the while. */
export type Beat = () => void;

/** Whoever watches a thread is told no more often than this that it gets on, in ms: each time costs a message. */
const messageMs = 1_000;

/** A beat that may come as often as it likes, and tells of itself now and then. */
export function seldom(tell: Beat, { monotonicMs }: Pick<Clock, 'monotonicMs'>): Beat {
  let toldMs = monotonicMs();
  return () => {
    const nowMs = monotonicMs();
    if (nowMs - toldMs < messageMs) return;
    toldMs = nowMs;
    tell();
  };
}

/** The same bytes, telling that they move. */
export async function* beating<T>(chunks: AsyncIterable<T>, beat: Beat): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    beat();
    yield chunk;
  }
}
