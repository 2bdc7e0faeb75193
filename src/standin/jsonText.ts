/**
 * JSON put together as text, so that a document goes from the disk into an answer without being parsed: it arrives
 * byte for byte as it was sent, and its size does not matter.
 */
import { StringDecoder } from 'node:string_decoder';

/** Pieces of an answer's body: text as it is, or bytes as they come. */
export type Piece = string | AsyncIterable<Uint8Array>;

/** An object with the members of another one, and one more whose value is already JSON. */
export function* withMember(
  object: Readonly<Record<string, unknown>>,
  key: string,
  ...value: Piece[]
): Generator<Piece> {
  yield `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(key)}:`;
  yield* value;
  yield '}';
}

/** The bytes, read as UTF-8, as the inside of a JSON string: the quotes are the caller's. */
export async function* insideString(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Keeps the bytes of a character that is split between two chunks.
  const decoder = new StringDecoder('utf8');
  for await (const chunk of chunks) yield escaped(decoder.write(Buffer.from(chunk)));
  yield escaped(decoder.end());
}

function escaped(text: string): Uint8Array {
  return Buffer.from(JSON.stringify(text).slice(1, -1));
}

/** One after the other, each only when it is asked for. */
export async function* joined(pieces: Iterable<Piece>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield Buffer.from(piece);
    else yield* piece;
  }
}
