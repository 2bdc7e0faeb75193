/** The bodies of a run as they are uploaded, each time the same: from its folder, and what is added from its log. */
import { createHash } from 'node:crypto';
import { errorTail } from '../platform/runRequest.ts';
import { artefactBodies, type ArchiveBody, type ArtefactBody } from '../reading/bodies.ts';
import type { Run, SentDocument } from '../outbox/nouns.ts';

export function sentBodies({ content, settings }: Run): (ArtefactBody | ArchiveBody)[] {
  return artefactBodies(content, errorTail(content.meta.error), settings.enrich);
}

/** The output, where it is one document or text. */
export function outputBody(run: Run): ArtefactBody | undefined {
  const body = sentBodies(run).find(({ role }) => role === 'output');
  return body !== undefined && 'pieces' in body ? body : undefined;
}

/** Whether the body is more than the file, whose digest is known. */
export function isAltered(body: ArtefactBody | ArchiveBody): body is ArtefactBody {
  return 'pieces' in body && body.pieces.some((piece) => piece.kind === 'text' || piece.insert !== null);
}

/** Digests what goes by; of a body that is read again, the last time counts. */
export class Digesting {
  #sent: SentDocument | null = null;

  /** What was read to its end. */
  get sent(): SentDocument | null {
    return this.#sent;
  }

  through(bytes: Uint8Array | AsyncIterable<Buffer>): Uint8Array | AsyncIterable<Buffer> {
    if (!(bytes instanceof Uint8Array)) return this.#throughChunks(bytes);
    this.#sent = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    return bytes;
  }

  async *#throughChunks(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let total = 0;
    for await (const chunk of bytes) {
      hash.update(chunk);
      total += chunk.length;
      yield chunk;
    }
    this.#sent = { bytes: total, sha256: hash.digest('hex') };
  }
}
