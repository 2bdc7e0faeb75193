/**
 * What to do about the platform's failures, for whoever calls from a program of their own: no daemon stands by that
 * tries again, and nothing is configured in a file of ours. What the library itself refuses has its hint already.
 */
import { RuntrackdError } from '../core/failure.ts';

const hints: Readonly<Record<string, string>> = {
  'key-refused': 'Give a valid key: apiKey of the client, NEXTMV_API_KEY, or ~/.nextmv/config.yaml.',
  'app-forbidden': 'Give the key access to the app in the console, or use a key that has it.',
  'app-not-found': 'Check the ids of app and instance against the console.',
  'rate-limited': 'Ask less often, or be more patient: retry.maxTries and retry.maxDuration of the client.',
  'platform-trouble':
    'Try again later, or be more patient: retry.maxTries and retry.maxDuration of the client.',
  'storage-trouble':
    'Try again later, or be more patient: retry.maxTries and retry.maxDuration of the client.',
  'storage-unreachable':
    'Check that network and proxy let this machine reach the hosts of the signed URLs, then call again.',
  'storage-refused': 'Mend what storage complains about, then call again.',
  'upload-url-dead':
    'Call again: signed URLs live for a quarter of an hour. If it lasts, compare this machine’s clock.',
  intercepted: 'Look for a proxy or a sign-in page on the way, and check the endpoint.',
  refused: 'Correct what the platform complains about, then call again.',
  unreachable: 'Check the network, the proxy and the endpoint, then call again.',
  'unreadable-answer': 'Is the endpoint the Nextmv API, with no proxy page in between?',
  'link-too-slow':
    'Track it over a faster link, or leave out what the run does not need: nothing was recorded.',
  'archive-not-made': 'Give what it names another name, or leave it out, then track it again.',
  'archive-too-large': 'Leave out what the run does not need, then track it again.',
  'answer-too-large': 'Raise memoryBytesMax, or look at the run in the console.',
};

/** The same error with a hint for programs, where it has one that is not. */
export function forPrograms(error: unknown): unknown {
  if (!(error instanceof RuntrackdError)) return error;
  const hint = hints[error.reason];
  if (hint === undefined || hint === error.hint) return error;
  const given = new RuntrackdError({ ...error.failure, hint }, { cause: error.cause });
  // Where it happened says more than where it was put into other words.
  if (error.stack !== undefined) given.stack = error.stack;
  return given;
}
