/**
 * Pre-signed URLs: whoever holds one may do the one thing it is for until it expires, without a key. A signature is
 * the HMAC of what is signed, so that none has to be kept anywhere.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export class SignedUrls {
  readonly #secret: string;
  readonly #origin: () => string;

  /** The origin is asked for when a URL is made: the port is known only once the server listens. */
  constructor(secret: string, origin: () => string) {
    this.#secret = secret;
    this.#origin = origin;
  }

  /** Where the bytes of an upload are to be PUT. */
  forUpload(uploadId: string, expiresAtMs: number): string {
    return this.#url('PUT', `/storage/${uploadId}`, expiresAtMs);
  }

  /** Where a stored file, or the part of it that is named, can be fetched. */
  forDownload(fileName: string, part: string, expiresAtMs: number): string {
    return this.#url('GET', `/storage/${fileName}/${part}`, expiresAtMs);
  }

  verdict(request: {
    method: 'PUT' | 'GET';
    path: string;
    expires: string | undefined;
    signature: string | undefined;
    nowMs: number;
  }): 'good' | 'wrong' | 'expired' {
    const expiresAtMs = Number(request.expires);
    if (request.signature === undefined || !Number.isSafeInteger(expiresAtMs)) return 'wrong';
    const given = Buffer.from(request.signature);
    const right = Buffer.from(this.#signature(request.method, request.path, expiresAtMs));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return 'wrong';
    return request.nowMs < expiresAtMs ? 'good' : 'expired';
  }

  #url(method: 'PUT' | 'GET', path: string, expiresAtMs: number): string {
    const signature = this.#signature(method, path, expiresAtMs);
    return `${this.#origin()}${path}?expires=${expiresAtMs}&signature=${signature}`;
  }

  #signature(method: string, path: string, expiresAtMs: number): string {
    return createHmac('sha256', this.#secret)
      .update(`${method}\n${path}\n${expiresAtMs}`)
      .digest('base64url');
  }
}
