/** Looks at the way to the platform, step by step as a connection takes it, and asks for each app with the key. */
import { lookup } from 'node:dns/promises';
import { connect as connectPlainly } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { Config } from '../../config/config.ts';
import { RuntrackdError } from '../../core/failure.ts';
import { isLoopback } from '../../core/loopback.ts';
import { keyReader } from '../../platform/apiKey.ts';
import { PlatformClient } from '../../platform/client.ts';
import { networkOf, type Network } from '../../platform/network.ts';
import { machineClock } from '../../system/clock.ts';
import { programVersion } from '../../system/programVersion.ts';
import type { Secret } from '../../system/secret.ts';
import type { AppFacts, NoWay, PlatformFacts } from './facts.ts';
import type { Credential } from './lookAtUnit.ts';

const stepMsMax = 10_000;
const dayMs = 86_400_000;
/** Apps beyond this are not asked for one by one. */
const appsMax = 20;

/**
 * @param credential what the unit hands to the daemon; null: nothing
 * @returns null: the embedded stand-in. Nothing is sent to it, and nothing leaves this machine
 */
export async function lookAtPlatform(
  config: Config,
  environment: NodeJS.ProcessEnv,
  credential: Credential | null,
): Promise<PlatformFacts | NoWay | null> {
  const { endpoint } = config.platform;
  if (endpoint === null) return null;
  const network = wayOut(config, environment);
  if ('noWay' in network) return network;
  const url = new URL(endpoint);
  const through = proxyFor(url, network);
  const { where, readKey } = keyOf(config, environment, credential);
  const key = {
    where,
    problem: await readKey().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
  };
  const apps: AppFacts[] = [];
  let aheadMs: number | null = null;
  if (key.problem === null) {
    const client = new PlatformClient({
      endpoint,
      apiKey: readKey,
      connections: 1,
      version: programVersion(),
      clock: machineClock,
      network,
      answerMs: stepMsMax,
    });
    try {
      const wanted = new Set(config.dropRoots.flatMap(({ app, allowAppIds }) => [app, ...allowAppIds]));
      for (const app of [...wanted].slice(0, appsMax)) apps.push(await askFor(app, client));
      // The platform's clock is told in whole seconds.
      if (apps.some(({ problem }) => problem === null))
        aheadMs = Math.round(client.platformTimeMs() - machineClock.nowMs());
    } finally {
      await client.close();
    }
  }
  return {
    endpoint,
    proxy: through,
    key,
    name: through !== null ? null : await lookUp(url.hostname),
    tls: through !== null ? null : await reach(url, network),
    apps,
    aheadMs,
  };
}

/** How connections leave this machine, or why the daemon would not start for want of a way. */
function wayOut({ platform: { proxy, caFile } }: Config, environment: NodeJS.ProcessEnv): Network | NoWay {
  try {
    return networkOf({ proxy, caFiles: caFile === null ? [] : [caFile] }, environment);
  } catch (error) {
    if (!(error instanceof RuntrackdError)) throw error;
    const of = error.reason === 'no-ca-file' ? 'platform-tls' : 'proxy';
    return { noWay: { of, text: error.message, hint: error.hint } };
  }
}

/** Where the daemon will find its key, and the key. */
function keyOf(
  { platform: { apiKey } }: Config,
  environment: NodeJS.ProcessEnv,
  credential: Credential | null,
): { readonly where: string; readonly readKey: () => Promise<Secret> } {
  if (apiKey !== null)
    return {
      where: 'file' in apiKey ? apiKey.file : `$${apiKey.environment}`,
      readKey: keyReader(apiKey, environment, machineClock),
    };
  if (credential === null)
    return {
      where: '',
      readKey: () =>
        Promise.reject(
          new Error(
            'no key: neither api_key_file, nor a systemd credential, nor $NEXTMV_API_KEY gives one to this user',
          ),
        ),
    };
  return {
    where: `${credential.file}, which systemd hands to the daemon`,
    readKey: () =>
      'key' in credential ? Promise.resolve(credential.key) : Promise.reject(new Error(credential.problem)),
  };
}

/** A GET that changes nothing, the one that also ends a pause. */
async function askFor(app: string, client: PlatformClient): Promise<AppFacts> {
  const beginMs = machineClock.monotonicMs();
  const problem = await client.application(app, AbortSignal.timeout(stepMsMax)).then(
    () => null,
    (error: unknown) => {
      if (error instanceof RuntrackdError) return { text: error.message, hint: error.hint };
      if (error instanceof Error && error.name === 'TimeoutError')
        return { text: `no answer within ${stepMsMax / 1000} s`, hint: 'Look at the network and the proxy.' };
      throw error;
    },
  );
  return { app, latencyMs: Math.round(machineClock.monotonicMs() - beginMs), problem };
}

/** Without the user name and the password that it may carry. */
function proxyFor({ hostname, protocol }: URL, { proxy }: Network): string | null {
  if (proxy === null || isLoopback(hostname)) return null;
  const spared = proxy.noProxy.split(',').map((name) => name.trim().replace(/^\*?\./, ''));
  if (
    spared.some(
      (name) => name === '*' || (name !== '' && (hostname === name || hostname.endsWith(`.${name}`))),
    )
  )
    return null;
  const address = protocol === 'https:' ? proxy.https : proxy.http;
  return address === '' ? null : new URL(address).host;
}

async function lookUp(hostname: string): Promise<PlatformFacts['name']> {
  try {
    const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true });
    return { addresses: found.map(({ address }) => address) };
  } catch (error) {
    return { problem: error instanceof Error && 'code' in error ? String(error.code) : String(error) };
  }
}

/** @returns null for plain http that can be reached */
async function reach(url: URL, { ca }: Network): Promise<PlatformFacts['tls']> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port || (isSecure ? 443 : 80));
  return await new Promise((resolve) => {
    const done = (facts: PlatformFacts['tls']): void => {
      socket.destroy();
      resolve(facts);
    };
    const failed = (error: Error): void => done({ problem: error.message });
    const socket = isSecure
      ? connectSecurely({ host, port, servername: host, ...(ca === null ? {} : { ca: [...ca] }) }, () => {
          const ends = 'getPeerCertificate' in socket ? socket.getPeerCertificate().valid_to : '';
          done({ daysLeft: Math.floor((Date.parse(ends) - machineClock.nowMs()) / dayMs) });
        })
      : connectPlainly({ host, port }, () => done(null));
    socket.setTimeout(stepMsMax, () => failed(new Error(`no connection within ${stepMsMax / 1000} s`)));
    socket.once('error', failed);
  });
}
