/** Who speaks to the platform: a key, an endpoint, and how patient to be. */
import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute } from 'node:path';
import { isLoopback } from '../core/loopback.ts';
import { PlatformClient } from '../platform/client.ts';
import { networkOf, type Network } from '../platform/network.ts';
import { machineClock, type Clock } from '../system/clock.ts';
import { programVersion } from '../system/programVersion.ts';
import { badInput } from './badInput.ts';
import { findConnection } from './connection.ts';
import { defaultRetry, retrying, type RetryPolicy } from './retrying.ts';

/** How to reach the platform. Everything has a default, found where the official SDK finds it. */
export interface ClientOptions {
  /** Default: `NEXTMV_API_KEY`, then the profile, then the top level of `~/.nextmv/config.yaml`. */
  readonly apiKey?: string;
  /** Default: `NEXTMV_ENDPOINT`, then the profile, then the top level of that file, then the Nextmv Platform. */
  readonly endpoint?: string;
  /** A profile of that file; `NEXTMV_PROFILE` wins over it. */
  readonly profile?: string;
  /** Where links to runs lead. Default: https://cloud.nextmv.io */
  readonly consoleUrl?: string;
  /** Address of a proxy. Default: what HTTPS_PROXY and NO_PROXY say. */
  readonly proxy?: string;
  /** A PEM file of a private authority, trusted beside Node's own. */
  readonly caFile?: string;
  readonly retry?: {
    /** Sends of one request, the first one included. Default 10. */
    readonly maxTries?: number;
    /** Seconds after which no new try begins. Default 300. */
    readonly maxDuration?: number;
    /** Seconds before the second try at most; the wait doubles from there. Default 0.5. */
    readonly delay?: number;
  };
  /** Where archives of directories lie until they are sent. Default: the system's directory for temporary files. */
  readonly temporaryDirectory?: string;
}

/** Connections to each host: a run has six artefacts, and several runs may be on their way. */
const connectionsMax = 32;
const consoleByDefault = 'https://cloud.nextmv.io';
/** Where operating systems keep the certificates that they trust. */
const systemCertificates = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** A connection to the platform, for any number of applications. */
export class Client {
  /** Where requests go. */
  readonly endpoint: string;
  /** @internal */
  readonly platform: PlatformClient;
  /** @internal */
  readonly retry: RetryPolicy;
  /** @internal */
  readonly clock: Clock = machineClock;
  /** @internal */
  readonly spoolDir: string;
  readonly #consoleUrl: string;

  /** @throws RuntrackdError (no-key, no-ca-file, bad-proxy, bad-input) */
  constructor(options: ClientOptions = {}) {
    const connection = findConnection(options, process.env, homeOf, this.clock.nowMs());
    checkEndpoint(connection.endpoint);
    const caFiles = [
      ...(options.caFile === undefined ? [] : [options.caFile]),
      ...(connection.usesSystemCertificates
        ? systemCertificates.filter((file) => existsSync(file)).slice(0, 1)
        : []),
    ];
    this.retry = retryPolicy(options.retry);
    const network = networkOf({ proxy: options.proxy ?? null, caFiles }, process.env);
    checkProxies(network);
    this.platform = new PlatformClient({
      endpoint: connection.endpoint,
      apiKey: () => Promise.resolve(connection.key),
      connections: connectionsMax,
      version: programVersion(),
      clock: this.clock,
      network,
      account: connection.account,
    });
    this.endpoint = this.platform.endpoint.href.replace(/\/$/, '');
    this.spoolDir = options.temporaryDirectory ?? tmpdir();
    this.#consoleUrl = (options.consoleUrl ?? consoleByDefault).replace(/\/$/, '');
  }

  /** The page of a run in the console. */
  runUrl(applicationId: string, runId: string): string {
    return `${this.#consoleUrl}/app/${applicationId}/run/${runId}?view=details`;
  }

  /** @internal A request that may be repeated, as often as this client is patient. */
  async ask<T>(work: (platform: PlatformClient) => Promise<T>, signal: AbortSignal): Promise<T> {
    return await retrying(() => work(this.platform), this.retry, this.clock, signal);
  }

  /** Ends what is under way and closes the connections. A program that ends anyway need not call it. */
  async close(): Promise<void> {
    await this.platform.close();
  }
}

/** Null where this user has none, as in many a container; a relative one would be a file of whoever's directory this is. */
function homeOf(): string | null {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : null;
  } catch {
    return null;
  }
}

/** The key travels with every request. What is wrong with an address is said without it: a password may be in it. */
function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw badInput('endpoint is no address', 'Give one like https://api.cloud.nextmv.io.');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw badInput(
      'endpoint has more in it than an address',
      'Give one like https://api.cloud.nextmv.io, and the key as apiKey.',
    );
  if (url.protocol !== 'https:' && !isLoopback(url.hostname))
    throw badInput('endpoint is plain http', 'Use https: plain http is for this machine only (127.0.0.1).');
}

function checkProxies({ proxy }: Network): void {
  for (const address of [proxy?.http, proxy?.https]) {
    if (address === undefined || address === '') continue;
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol))
      throw badInput(
        'the proxy is no address',
        'Give one like http://proxy.example.com:3128, as proxy or in HTTPS_PROXY.',
      );
  }
}

function retryPolicy(wishes: ClientOptions['retry'] = {}): RetryPolicy {
  const {
    maxTries = defaultRetry.triesMax,
    maxDuration = defaultRetry.durationMsMax / 1_000,
    delay,
  } = wishes;
  if (!(maxTries >= 1) || !(maxDuration >= 0) || (delay !== undefined && !(delay >= 0)))
    throw badInput(
      'retry has a number that cannot be',
      'maxTries is 1 or more, maxDuration and delay are seconds.',
    );
  return {
    ...defaultRetry,
    triesMax: maxTries,
    durationMsMax: maxDuration * 1_000,
    ...(delay === undefined ? {} : { delayMsMin: delay * 1_000 }),
  };
}
