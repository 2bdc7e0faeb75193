/**
 * When to look at which folder again: one heap and one timer for all of them, because there may be 25,000 open at once.
 */

interface Due {
  readonly path: string;
  readonly atMs: number;
}

export class Agenda {
  readonly #due = new Map<string, number>();
  /** A heap by time. An entry whose time is not that of the map any more was overtaken, and is passed over. */
  readonly #heap: Due[] = [];

  get size(): number {
    return this.#due.size;
  }

  /** How much is remembered, with what was overtaken and is not passed over yet. */
  get held(): number {
    return this.#heap.length;
  }

  /** Looks at it then, or sooner when that was agreed on. @param atMs monotonic clock in ms */
  add(path: string, atMs: number): void {
    const agreed = this.#due.get(path);
    if (agreed !== undefined && agreed <= atMs) return;
    this.#due.set(path, atMs);
    this.#push({ path, atMs });
  }

  delete(path: string): void {
    this.#due.delete(path);
    // Everything in the heap is passed over sooner or later; for ever growing it has to be rebuilt before that.
    if (this.#heap.length > 2 * this.#due.size + 1_000) this.#rebuild();
  }

  clear(): void {
    this.#due.clear();
    this.#heap.length = 0;
  }

  /** The next one that is due, taken off; null: none is. */
  take(nowMs: number): string | null {
    const first = this.#first();
    if (first === undefined || first.atMs > nowMs) return null;
    this.#pop();
    this.#due.delete(first.path);
    return first.path;
  }

  /** When the next one is due; null: nothing is agreed on. */
  nextMs(): number | null {
    return this.#first()?.atMs ?? null;
  }

  #first(): Due | undefined {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || this.#due.get(first.path) === first.atMs) return first;
      this.#pop();
    }
  }

  #rebuild(): void {
    this.#heap.length = 0;
    for (const [path, atMs] of this.#due) this.#push({ path, atMs });
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.atMs <= due.atMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      const isOther = one !== undefined && other !== undefined && other.atMs < one.atMs;
      const child = isOther ? other : one;
      if (child === undefined || child.atMs >= last.atMs) break;
      heap[at] = child;
      at = isOther ? left + 1 : left;
    }
    heap[at] = last;
  }
}
