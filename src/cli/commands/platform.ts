/** `platform`: the stand-in on its own, on loopback, for trying and testing anything that speaks to the platform. */
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { appIdPattern } from '../../core/appId.ts';
import { watchSignals } from '../../service/signals.ts';
import { CannotStart } from '../../standin/cannotStart.ts';
import { FaultProblem, parseFault, type Fault } from '../../standin/faultText.ts';
import { Faults } from '../../standin/faults.ts';
import { settingOf, type SettingName, type Settings } from '../../standin/settings.ts';
import { startStandIn, type StandIn, type StandInOptions } from '../../standin/standin.ts';
import { machineClock } from '../../system/clock.ts';
import { errorCode } from '../../system/files.ts';
import { say, tell } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';

/** Closing waits for nothing but its own files; longer than this something hangs. */
const closeMsMax = 5_000;
/**
 * Whoever starts it by hand tries the official SDK or CLI with it, and those declare text and folders as JSON unless
 * they are told otherwise; the one inside the daemon and those of the tests refuse, since the daemon never does that.
 */
const friendly: Partial<Settings> = { notJson: 'accept' };

export const platformCommand = () =>
  new Command('platform')
    .option('--port <n>', 'port on 127.0.0.1; 0: any free one', parsePort, 0)
    .option('--data <dir>', 'where it keeps what it records', './stand-in')
    .option(
      '--apps <ids>',
      'the apps that exist, with commas; without it every id of the right form does',
      parseApps,
    )
    .option('--api-key-file <file>', 'the only key it accepts; without it any key that is not empty')
    .option('--tls', 'HTTPS, with a certificate that it makes itself and keeps in its data')
    .option(
      '--final-after <duration>',
      'runs are queued, then running, for so long (0s)',
      setting('final_after'),
    )
    .option('--list-lag <duration>', 'runs show in the list only after so long (0s)', setting('list_lag'))
    .option(
      '--list-order <order>',
      'newest-first (if not said), oldest-first or shuffled',
      setting('list_order'),
    )
    .option('--page-size <n>', 'runs on a page of the list (50)', setting('page_size', Number))
    .option(
      '--over-length <what>',
      'a name or description that is too long: refuse (if not said) or cut',
      setting('over_length'),
    )
    .option(
      '--not-json <what>',
      'documents declared JSON that are not: accept (if not said), as the official SDK needs it, or refuse',
      setting('not_json'),
    )
    .option('--refuse-non-ascii-error', 'refuse an error message that is not printable ASCII')
    .option('--output-altered', 'answer with another output than was sent')
    .option(
      '--upload-lifetime <duration>',
      'how long upload and download URLs are good (15m)',
      setting('upload_lifetime'),
    )
    .option(
      '--upload-bytes-max <n>',
      'storage refuses what is larger (734003200, which is 700 MiB)',
      setting('upload_bytes_max', Number),
    )
    .option(
      '--cancel-final <what>',
      'cancelling a final run: refuse (409, if not said) or ignore',
      setting('cancel_final'),
    )
    .option(
      '--fault <fault>',
      'misbehave: REQUESTS:FAULT[:TIMES], for example create:drop-after:3; can be repeated',
      addFault,
    )
    .action(async (given) => {
      const faults = new Faults({
        ...friendly,
        ...given.finalAfter,
        ...given.listLag,
        ...given.listOrder,
        ...given.pageSize,
        ...given.overLength,
        ...given.notJson,
        ...(given.refuseNonAsciiError === true ? { refuseNonAsciiError: true } : {}),
        ...(given.outputAltered === true ? { outputAltered: true } : {}),
        ...given.uploadLifetime,
        ...given.uploadBytesMax,
        ...given.cancelFinal,
      });
      for (const { aim, misbehaviour, times } of given.fault ?? []) faults.next(aim, misbehaviour, times);
      await serve({
        dataDir: resolve(given.data),
        port: given.port,
        apps: given.apps ?? null,
        apiKey: given.apiKeyFile === undefined ? null : await readKey(given.apiKeyFile),
        tls: given.tls === true,
        faults,
      });
    });

async function serve(options: StandInOptions): Promise<void> {
  const standIn = await start(options);
  say(standIn.endpoint);
  if (standIn.certificateFile !== null) tellTrust(standIn.endpoint, standIn.certificateFile);
  const shutdown = watchSignals(
    () => closeMsMax,
    () => machineClock.monotonicMs(),
    () => undefined,
    () => process.exit(exitCodes.failed),
  );
  tell(`The stand-in listens, and keeps its data in ${options.dataDir}. Ctrl-C ends it.`);
  if (!shutdown.stop.aborted) await once(shutdown.stop, 'abort');
  await standIn.close();
  shutdown.dispose();
}

async function start(options: StandInOptions): Promise<StandIn> {
  try {
    return await startStandIn(options);
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    throw new CommandFailure(
      error.reason === 'data is held' ? exitCodes.held : exitCodes.failed,
      error.message,
    );
  }
}

/** For the shell of whoever starts a client: the official CLI cannot be given a scheme, and so needs TLS. */
function tellTrust(endpoint: string, certificateFile: string): void {
  const file = `'${certificateFile.replaceAll("'", String.raw`'\''`)}'`;
  tell('The official SDK and CLI reach it with these, in their shell only:');
  tell(`export REQUESTS_CA_BUNDLE=${file}`);
  tell(`export NEXTMV_ENDPOINT=${new URL(endpoint).host}`);
  tell('A program on Node trusts it with this:');
  tell(`export NODE_EXTRA_CA_CERTS=${file}`);
}

/** @returns the parser of that setting's option: from text to what it changes */
function setting(name: SettingName, read: (text: string) => unknown = (text) => text) {
  return (text: string): Partial<Settings> => {
    const made = settingOf(name, read(text));
    if ('problem' in made) throw new InvalidArgumentError(`${made.problem}.`);
    return made.changes;
  };
}

function addFault(text: string, before: readonly Fault[] = []): Fault[] {
  try {
    return [...before, parseFault(text)];
  } catch (error) {
    if (error instanceof FaultProblem) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}

async function readKey(file: string): Promise<string> {
  const key = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandFailure(exitCodes.usage, `${file} cannot be read (${String(errorCode(error))})`);
  });
  if (key.trim() === '')
    throw new CommandFailure(exitCodes.usage, `${file} is empty; it should hold one key`);
  return key.trim();
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('say a port from 0 to 65535.');
}

function parseApps(text: string): string[] {
  const apps = text.split(',').map((app) => app.trim());
  const wrong = apps.find((app) => !appIdPattern.test(app));
  if (wrong === undefined) return apps;
  throw new InvalidArgumentError(`"${wrong}" is no app id: 3 to 30 of a-z, 0-9, "." and "-".`);
}
