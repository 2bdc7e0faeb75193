/**
 * Errors that the machine has a name for, as failures. A disk that is full, a file that may not be read, a line that was
 * cut: none of them is a bug, and none of them may end the process.
 */
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { errorCode } from '../system/files.ts';
import { scrub } from '../core/scrub.ts';

/** Trouble of the whole machine: it is nobody's fault in particular, and costs no run its tries. */
const machineWide = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'ENOBUFS']);

/** @returns null for an error that nobody named: a bug */
export function failureOfError(error: unknown): Failure | null {
  if (error instanceof RuntrackdError) return error.failure;
  const code = errorCode(error);
  if (code === undefined || !/^(E[A-Z0-9]+|UND_ERR_[A-Z_]+)$/.test(code)) return null;
  const text = scrub(error instanceof Error ? error.message : code);
  if (code.startsWith('UND_ERR_') || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') {
    return {
      class: 'unreachable',
      text: `the connection broke (${code})`,
      hint: 'Check the network; delivery goes on by itself.',
      reach: 'platform',
    };
  }
  if (machineWide.has(code)) {
    return {
      class: 'machine-trouble',
      text: `this machine is in trouble (${code}): ${text}`,
      hint: 'Look at the disk and the limits of open files; delivery goes on by itself.',
      reach: 'platform',
    };
  }
  return {
    class: 'file-trouble',
    text: `a file of the folder could not be used (${code}): ${text}`,
    hint: 'Give the daemon’s user access to the folder, then `runtrackd retry` it.',
    reach: 'run',
  };
}
