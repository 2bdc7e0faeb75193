/** How connections leave this machine: through a proxy or not, and which authorities are trusted. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { Agent, Client, EnvHttpProxyAgent, type Dispatcher } from 'undici';
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

/** @throws RuntrackdError when a file of authorities cannot be read, or the environment names a proxy that is none */
export function networkOf(wishes: NetworkWishes, environment: NodeJS.ProcessEnv): Network {
  const spared = (valueOf(environment, 'NO_PROXY')?.value ?? '').trim();
  const https = wishes.proxy ?? (spared === '*' ? '' : proxyOf(environment));
  // Plain http is for this machine alone, so there is no other proxy for it.
  const noProxy = spared === '*' ? '*' : [spared, loopbackHosts].join(',');
  return {
    proxy: https === '' ? null : { http: wishes.proxy ?? '', https, noProxy },
    ca: authorities(wishes.caFiles, environment['NODE_EXTRA_CA_CERTS']),
  };
}

/** The one for http stands in where there is none for https. What is not used is not judged: other programs may go by it. */
function proxyOf(environment: NodeJS.ProcessEnv): string {
  return proxyIn(environment, 'HTTPS_PROXY') || proxyIn(environment, 'HTTP_PROXY');
}

/** Either spelling is usual; the small one wins. */
function valueOf(
  environment: NodeJS.ProcessEnv,
  variable: string,
): { readonly name: string; readonly value: string } | null {
  for (const name of [variable.toLowerCase(), variable]) {
    const value = environment[name];
    if (value !== undefined) return { name, value };
  }
  return null;
}

/** Host and port alone are taken as other programs take them, for http. A password may be in it, so it is not repeated. */
function proxyIn(environment: NodeJS.ProcessEnv, variable: string): string {
  const found = valueOf(environment, variable);
  const given = found?.value.trim() ?? '';
  if (found === null || given === '') return '';
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== '') return url.href;
  throw new RuntrackdError({
    class: 'bad-proxy',
    text: `the environment variable ${found.name} is not the address of a proxy`,
    hint: 'Set it to one like http://proxy.example.com:3128, or take it away.',
    reach: 'platform',
  });
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
export function dispatcherFor(network: Network, connections: number, answerMsMax: number): Dispatcher {
  const { proxy } = network;
  const options: Agent.Options = { connections, ...optionsOf(network, answerMsMax) };
  if (proxy === null) return new Agent(options);
  const tls = tlsOf(network);
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

/** A connection for one request, to whoever is asked there. */
export function ownConnection(network: Network, origin: string, answerMsMax: number): Dispatcher {
  // Without a proxy there is no need for whoever finds the way to many hosts: it costs as much as the request.
  if (network.proxy === null) return new Client(origin, optionsOf(network, answerMsMax));
  return dispatcherFor(network, 1, answerMsMax);
}

function optionsOf(network: Network, answerMsMax: number): Client.Options {
  return {
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    connect: { timeout: connectMsMax, ...tlsOf(network) },
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
  };
}

function tlsOf({ ca }: Network): { readonly ca?: string[] } {
  return ca === null ? {} : { ca: [...ca] };
}
