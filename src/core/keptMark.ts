/** What the outbox keeps: which directory a root is, and since when another one lies in its place. */
export interface KeptMark {
  readonly mark: string;
  /** Wall clock; null: it lies there itself. */
  readonly doubtedSinceMs: number | null;
}

const doubted = ' doubted since ';

export function textOf({ mark, doubtedSinceMs }: KeptMark): string {
  return doubtedSinceMs === null ? mark : `${mark}${doubted}${String(doubtedSinceMs)}`;
}

export function keptOf(text: string): KeptMark {
  const [mark = '', sinceMs] = text.split(doubted);
  return { mark, doubtedSinceMs: sinceMs === undefined ? null : Number(sinceMs) };
}

/**
 * Whether what was kept and what is there now mean the same directory. One that was kept without a birth, by an earlier
 * version or before anything had changed in it, is the same whatever its birth is. The other way round it is another one:
 * a disk that was made just now says nothing of its birth either.
 */
export function isSameMark(kept: string | null, now: string | null): boolean {
  return kept !== null && now !== null && (kept === now || kept === withoutBirth(now));
}

/** Device and inode alone, as an earlier version kept them. */
export function withoutBirth(mark: string): string {
  return mark.split(' ').slice(0, 2).join(' ');
}
