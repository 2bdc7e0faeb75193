/** Work over a hundred thousand names takes longer than one turn of the loop should: it stops wherever others may have theirs. */
export type Piecewise<Result> = Generator<void, Result, void>;

/** So many in a row: some ms at the most. */
export const pieceLength = 1_000;

/** For whoever has nothing else to do. */
export function atOnce<Result>(work: Piecewise<Result>): Result {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/** As `toSorted` has them: pieces are sorted, and then merged two by two. */
export function* sortedPiecewise<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Piecewise<Item[]> {
  let sorted: Item[][] = [];
  for (let at = 0; at < items.length; at += pieceLength) {
    if (at > 0) yield;
    sorted.push(items.slice(at, at + pieceLength).sort(compare));
  }
  while (sorted.length > 1) {
    const merged: Item[][] = [];
    for (let at = 0; at < sorted.length; at += 2)
      merged.push(yield* mergedPiecewise(sorted[at] ?? [], sorted[at + 1] ?? [], compare));
    sorted = merged;
  }
  return sorted[0] ?? [];
}

function* mergedPiecewise<Item>(
  first: readonly Item[],
  second: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Piecewise<Item[]> {
  const merged: Item[] = [];
  for (let [i, j] = [0, 0]; i < first.length || j < second.length;) {
    const [one, other] = [first[i], second[j]];
    // Of two that are equal the earlier one stays the earlier.
    const isFirst = j >= second.length || (i < first.length && compare(one as Item, other as Item) <= 0);
    merged.push((isFirst ? one : other) as Item);
    if (isFirst) i += 1;
    else j += 1;
    if (merged.length % pieceLength === 0) yield;
  }
  return merged;
}
