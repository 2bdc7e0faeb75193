/**
 * The official Python SDK and its command line, as programs of their own: the judges of what the stand-in answers and
 * of what our side records. They live in a virtual environment that `.ci/run` makes; without it their tests are
 * skipped, and say so.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

/** The version that the stand-in was held against. */
const sdkVersion = '1.13.0';
const environment = fileURLToPath(new URL('../../local/sdk-venv', import.meta.url));
const scripts = dirname(fileURLToPath(import.meta.url));
/** An SDK that repeats a request waits for seconds; longer than this it hangs. */
const endMsMax = 50_000;

/** Where a client finds its platform. */
export interface Target {
  readonly endpoint: string;
  readonly apiKey: string;
  /** What to trust beyond the usual, for an endpoint with TLS. */
  readonly certificateFile: string | null;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What came of a call of the SDK. */
export type Outcome<T> = { readonly value: T } | { readonly error: string; readonly text: string };

/** Why there is no SDK to test with; null: there is. */
export const whyNoSdk = missing();

/** Says it where there is no SDK: for each file whose tests are skipped then, under a name that nobody overlooks. */
export function sayIfSkipped(): void {
  if (whyNoSdk === null) return;
  console.warn(`\nTHE OFFICIAL SDK IS NOT THE JUDGE: ${whyNoSdk}\n`);
  test.skip(`SKIPPED, THE OFFICIAL SDK IS NOT THERE: ${whyNoSdk}`, () => undefined);
}

function missing(): string | null {
  if (!existsSync(join(environment, 'bin', 'python'))) {
    return `there is no ${environment}/bin/python; .ci/run makes it, or: python3 -m venv local/sdk-venv && local/sdk-venv/bin/pip install nextmv==${sdkVersion}`;
  }
  const libraries = join(environment, 'lib');
  const installed = readdirSync(libraries).some((python) =>
    existsSync(join(libraries, python, 'site-packages', `nextmv-${sdkVersion}.dist-info`)),
  );
  return installed
    ? null
    : `${environment} has no nextmv ${sdkVersion}; remove it, and .ci/run makes it anew`;
}

/** Runs one of the driver scripts beside this file; the one line that it prints. */
export async function python<T>(
  target: Target,
  script: string,
  args: readonly string[],
  stdin: unknown = null,
): Promise<T> {
  const program = join(environment, 'bin', 'python');
  const finished = await run(program, [join(scripts, script), ...args], {
    environment: { ...environmentOf(target), NEXTMV_ENDPOINT: target.endpoint },
    stdin: JSON.stringify(stdin),
  });
  if (finished.code !== 0) throw new Error(`${script} failed: ${finished.stderr}${finished.stdout}`);
  return JSON.parse(finished.stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}

/** Runs the `nextmv` command, whose endpoint has no scheme and is always HTTPS. Its configuration is in `home`. */
export async function nextmvCommand(
  target: Target,
  home: string,
  args: readonly string[],
  stdin = '',
): Promise<Finished> {
  return await run(join(environment, 'bin', 'nextmv'), args, {
    environment: {
      ...environmentOf(target),
      NEXTMV_ENDPOINT: new URL(target.endpoint).host,
      HOME: home,
      NO_COLOR: '1',
      COLUMNS: '200',
    },
    stdin,
  });
}

/** Tracks one run with the SDK (see track.py for the order). */
export async function trackWithSdk(
  target: Target,
  app: string,
  order: object,
): Promise<Outcome<{ run_id: string; result?: Record<string, unknown> }>> {
  return await python(target, 'track.py', [app], order);
}

export type ReadBack = Readonly<
  Record<
    'information' | 'result' | 'output' | 'input' | 'logs' | 'live_logs' | 'assets' | 'asset_contents',
    Outcome<Record<string, unknown>>
  >
>;

/** Reads one run back with the SDK, in every way that it has; files come to `directory`. */
export async function readBackWithSdk(
  target: Target,
  app: string,
  runId: string,
  directory: string,
): Promise<ReadBack> {
  return await python(target, 'read_back.py', [app, runId, directory]);
}

/** Calls methods of the SDK's Application, one after the other. */
export async function callSdk(
  target: Target,
  app: string,
  calls: readonly (readonly [method: string, args: object])[],
): Promise<Outcome<unknown>[]> {
  return await python(target, 'calls.py', [app], calls);
}

/** The value, or the test fails with what the SDK said. */
export function valueOf<T>(outcome: Outcome<T> | undefined): T {
  if (outcome !== undefined && 'value' in outcome) return outcome.value;
  throw new Error(`the SDK failed: ${JSON.stringify(outcome)}`);
}

/** Nothing of this process's own surroundings: no proxy, no key, no configuration. */
function environmentOf({ apiKey, certificateFile }: Target): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: tmpdir(),
    PYTHONDONTWRITEBYTECODE: '1',
    NEXTMV_API_KEY: apiKey,
    ...(certificateFile === null ? {} : { REQUESTS_CA_BUNDLE: certificateFile }),
  };
}

async function run(
  program: string,
  args: readonly string[],
  around: { environment: Record<string, string>; stdin: string },
): Promise<Finished> {
  const child = spawn(program, args, {
    cwd: tmpdir(),
    env: around.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: endMsMax,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // One that ends without having read everything is judged by what it says.
  child.stdin.on('error', () => undefined).end(around.stdin);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
