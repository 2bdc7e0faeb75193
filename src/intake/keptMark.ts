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
