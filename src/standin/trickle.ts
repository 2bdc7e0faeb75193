/** An answer that comes in drops: slow enough for a client's patience, never silent for long. */
import { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';

/** Faster than this the pieces grow instead: timers are no finer. */
const piecesPerSecondMax = 20;

export function trickled(answer: Response, bytesPerSecond: number, closing: AbortSignal): Response {
  if (answer.body === null) return answer;
  const { status, headers } = answer;
  const pieces = inPieces(answer.body as ReadableStream<Uint8Array>, bytesPerSecond, closing);
  return new Response(ReadableStream.from(pieces), { status, headers });
}

async function* inPieces(
  body: ReadableStream<Uint8Array>,
  bytesPerSecond: number,
  closing: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const pieceBytes = Math.ceil(bytesPerSecond / piecesPerSecondMax);
  let owedMs = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      yield piece;
      owedMs += (piece.length * 1000) / bytesPerSecond;
      if (owedMs < 1000 / piecesPerSecondMax) continue;
      // Closing the stand-in takes the connection away, and with it whoever reads the rest.
      await sleep(owedMs, undefined, { signal: closing }).catch(() => undefined);
      owedMs = 0;
    }
  }
}
