/** `platform`: the stand-in on its own, on loopback, for trying and testing anything that speaks to the platform. */
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { appIdPattern } from '../../core/appId.ts';
import { watchSignals } from '../../service/signals.ts';
import { startStandIn } from '../../standin/standin.ts';
import { machineClock } from '../../system/clock.ts';
import { errorCode } from '../../system/files.ts';
import { say, tell } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';

/** Closing waits for nothing but its own files; longer than this something hangs. */
const closeMsMax = 5_000;

export const platformCommand = () =>
  new Command('platform')
    .description('the stand-in: a local server that speaks the contract of the platform')
    .option('--port <n>', 'port on 127.0.0.1; 0: any free one', parsePort, 0)
    .option('--data <dir>', 'where it keeps what it records', './stand-in')
    .option(
      '--apps <ids>',
      'the apps that exist, with commas; without it every id of the right form does',
      parseApps,
    )
    .option('--api-key-file <file>', 'the only key it accepts; without it any key that is not empty')
    .addHelpText(
      'after',
      '\nIts first line on stdout is its endpoint, when it listens.\n\nExample:\n  runtrackd platform --port 8421 --apps hare-app\n  NEXTMV_ENDPOINT=http://127.0.0.1:8421 NEXTMV_API_KEY=x python my_script.py\n',
    )
    .action(async ({ port, data, apps, apiKeyFile }) => {
      const apiKey = apiKeyFile === undefined ? null : await readKey(apiKeyFile);
      const standIn = await startStandIn({ dataDir: resolve(data), port, apps: apps ?? null, apiKey }).catch(
        (error: unknown) => {
          if (errorCode(error) !== 'EADDRINUSE') throw error;
          throw new CommandFailure(
            exitCodes.failed,
            `port ${String(port)} is in use; choose another with --port, or 0 for any`,
          );
        },
      );
      say(standIn.endpoint);
      const shutdown = watchSignals(
        closeMsMax,
        () => machineClock.monotonicMs(),
        () => undefined,
        () => process.exit(exitCodes.failed),
      );
      tell(`The stand-in listens, and keeps its data in ${resolve(data)}. Ctrl-C ends it.`);
      if (!shutdown.stop.aborted) await once(shutdown.stop, 'abort');
      await standIn.close();
      shutdown.dispose();
    });

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
