/**
 * Refusals: requests that are answered with an error, in words that a person can act on. The shape of the body is
 * this stand-in's own, since the platform documents none; a client must not read it for control flow.
 */
import type { z } from 'zod';

export type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 411 | 413 | 415 | 421;

const names: Readonly<Record<RefusalStatus, string>> = {
  400: 'bad request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  409: 'conflict',
  411: 'length required',
  413: 'too large',
  415: 'unsupported media type',
  421: 'misdirected request',
};

export class Refusal extends Error {
  readonly status: RefusalStatus;

  constructor(status: RefusalStatus, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
  }

  get body(): { error: string; message: string } {
    return { error: names[this.status], message: this.message };
  }
}

/** What is wrong with a document, all of it, each with its place. */
export function problemsOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`).join('; ');
}
