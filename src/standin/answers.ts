/** The forms in which the stand-in answers. */
import { ReadableStream } from 'node:stream/web';
import { joined, type Piece } from './jsonText.ts';

/** What comes back in place of an output when outputs are to be altered. */
export const alteredOutput = '{"altered":true}';

/** JSON that is put together while it is sent; with its length when that is known beforehand. */
export function jsonStream(pieces: Iterable<Piece>): Response {
  return streamed(joined(pieces), { 'content-type': 'application/json' });
}

/** A stored document as it is. */
export function bytesStream(chunks: AsyncIterable<Uint8Array>, bytes: number, contentType: string): Response {
  return streamed(chunks, { 'content-type': contentType, 'content-length': String(bytes) });
}

function streamed(chunks: AsyncIterable<Uint8Array>, headers: Record<string, string>): Response {
  const body = ReadableStream.from<Uint8Array>(chunks);
  return new Response(body, { headers });
}

/** Storage refuses as S3 does: a status and a few lines of XML. */
export function storageRefusal(status: 400 | 403 | 404 | 411 | 413, code: string, message: string): Response {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(body, { status, headers: { 'content-type': 'application/xml' } });
}
