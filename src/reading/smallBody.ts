/** A body that is small enough to be held: it is read once, found to be what was recorded, and then sent from memory. */
import { filesOf, readBody, type ArchiveBody, type ArtefactBody, type FileOpener } from './bodies.ts';

/** Of a body, and of each file that it has bytes of. So many bodies are held as are on their way at once. */
const smallBytesMax = 64 * 1024;

export function isSmall(body: ArtefactBody | ArchiveBody): body is ArtefactBody {
  return (
    'pieces' in body &&
    body.bytes <= smallBytesMax &&
    filesOf(body.pieces).every(({ bytes }) => bytes <= smallBytesMax)
  );
}

/**
 * Every file is checked against what was recorded of it before any of this is sent.
 * @returns the bytes in a buffer of their own, which may be handed to another thread
 * @throws SourceChanged
 */
export async function readSmall(
  folder: FileOpener,
  body: Pick<ArtefactBody, 'pieces' | 'bytes'>,
): Promise<Buffer> {
  const whole = Buffer.from(new ArrayBuffer(body.bytes));
  let at = 0;
  for await (const chunk of readBody(folder, body)) at += chunk.copy(whole, at);
  return whole;
}
