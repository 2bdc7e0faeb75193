/** Called with each chunk that is read: a large file on a slow disk takes its time, and moves all the while. */
export type Beat = () => void;

/** The same bytes, telling that they move. */
export async function* beating<T>(chunks: AsyncIterable<T>, beat: Beat): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    beat();
    yield chunk;
  }
}
