/** How connections leave this machine: through a proxy or not, and which authorities are trusted. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { RuntrackdError } from '../core/failure.ts';

export interface Network {
  /** Proxies by scheme of the address that is asked for, and the hosts that are reached without; null: no proxy. */
  readonly proxy: { readonly http: string; readonly https: string; readonly noProxy: string } | null;
  /** All trusted authorities, as PEM; null: those of Node. */
  readonly ca: readonly string[] | null;
}

export interface NetworkWishes {
  /** Address of a proxy; null: what `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say. */
  readonly proxy: string | null;
  /** PEM files of authorities that are trusted beside Node's own. */
  readonly caFiles: readonly string[];
}

export const directNetwork: Network = { proxy: null, ca: null };

/** This machine is never reached through a proxy. */
const loopbackHosts = 'localhost,127.0.0.1,[::1]';
const connectMsMax = 10_000;
/** Shorter than what servers and load balancers keep, so that a request rarely meets a dead connection. */
const keepAliveMs = 4_000;

/** @throws RuntrackdError when a file of authorities cannot be read */
export function networkOf(wishes: NetworkWishes, environment: NodeJS.ProcessEnv): Network {
  const value = (name: string): string => environment[name.toLowerCase()] ?? environment[name] ?? '';
  const http = wishes.proxy ?? value('HTTP_PROXY');
  const https = wishes.proxy ?? (value('HTTPS_PROXY') || http);
  const spared = value('NO_PROXY').trim();
  return {
    proxy:
      https === '' && http === ''
        ? null
        : { http, https, noProxy: spared === '*' ? '*' : [spared, loopbackHosts].join(',') },
    ca: authorities(wishes.caFiles, environment['NODE_EXTRA_CA_CERTS']),
  };
}

/** Node takes either its own authorities or those that it is given, so its own are given again. */
function authorities(files: readonly string[], extra: string | undefined): readonly string[] | null {
  if (files.length === 0) return null;
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new RuntrackdError(
        {
          class: 'no-ca-file',
          text: `the certificates in ${file} cannot be read`,
          hint: 'Name a PEM file that this user may read.',
          reach: 'platform',
        },
        { cause: error },
      );
    }
  };
  return [...rootCertificates, ...[...files, ...(extra ? [extra] : [])].map(read)];
}

/** @param connections to each host */
export function dispatcherFor({ proxy, ca }: Network, connections: number, answerMsMax: number): Dispatcher {
  const tls = ca === null ? {} : { ca: [...ca] };
  const options: Agent.Options = {
    connections,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    connect: { timeout: connectMsMax, ...tls },
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
  };
  if (proxy === null) return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: proxy.http,
    httpsProxy: proxy.https,
    noProxy: proxy.noProxy,
    // What is reached through the proxy takes its authorities from here, what is reached directly from `connect`.
    requestTls: { timeout: connectMsMax, ...tls },
    proxyTls: { timeout: connectMsMax, ...tls },
  });
}
