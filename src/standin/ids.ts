/** The ids that the platform makes. A client can choose none of them. */
import { randomBytes, randomUUID } from 'node:crypto';

/** 54 bits: two runs of one instance share an id once in 10^16; the database would refuse the second. */
const randomCharsInRunId = 9;

/** The instance, a dash, nine URL-safe characters (platform contract: create run). */
export function newRunId(instance: string): string {
  return `${instance}-${randomBytes(randomCharsInRunId).toString('base64url').slice(0, randomCharsInRunId)}`;
}

export function newUploadId(): string {
  return randomUUID();
}

export function newFileName(): string {
  return randomUUID();
}
