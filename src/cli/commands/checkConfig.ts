/** `check-config`: every problem at once, each as `file:line:column: where: what`. */
import { Command } from '@commander-js/extra-typings';
import { hostname } from 'node:os';
import {
  describeProblem,
  findConfigFile,
  loadConfig,
  type ConfigProblem,
  type LoadedConfig,
} from '../../config/config.ts';
import { configOption, jsonOption, printJson, say, tell } from '../common.ts';
import { credentialFor, lookAtUnit } from '../doctor/lookAtUnit.ts';
import { exitCodeOf } from '../configured.ts';

export const checkConfigCommand = () =>
  new Command('check-config')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(({ config: explicit, json }) => {
      const found = findConfigFile(explicit, process.env, process.cwd());
      const { loaded, credential } =
        'path' in found
          ? loadForDaemon(found.path, process.env, () => credentialFor(lookAtUnit(), found.path))
          : { loaded: { ok: false as const, problems: [found] }, credential: null };
      const problems: readonly ConfigProblem[] = loaded.ok ? [] : loaded.problems;
      if (!loaded.ok) process.exitCode = exitCodeOf(loaded.problems);
      if (json === true) printJson({ ok: loaded.ok, file: 'path' in found ? found.path : null, problems });
      else if (loaded.ok)
        say(
          `${loaded.config.file} is right: ${String(loaded.config.dropRoots.length)} drop root(s), platform ${loaded.config.platform.kind}.`,
        );
      else for (const problem of problems) say(describeProblem(problem));
      if (credential !== null && loaded.ok)
        tell(
          `The key is not looked for here: it is in ${credential}, which the unit runtrackd.service hands to the daemon. \`runtrackd doctor\` tries it.`,
        );
    });

/**
 * The configuration as the daemon finds it, whose key may be there only when systemd starts it.
 * @param handedOver asks for the file that systemd hands over, where no key is to be found here; null: there is none
 */
export function loadForDaemon(
  file: string,
  environment: NodeJS.ProcessEnv,
  handedOver: () => string | null,
): { readonly loaded: LoadedConfig; readonly credential: string | null } {
  const here = loadConfig(file, environment, hostname());
  if (here.ok) return { loaded: here, credential: null };
  const withoutKey = loadConfig(file, environment, hostname(), { needsKey: false });
  const isKeyMissing = withoutKey.ok || withoutKey.problems.length < here.problems.length;
  const credential = isKeyMissing ? handedOver() : null;
  return { loaded: credential === null ? here : withoutKey, credential };
}
