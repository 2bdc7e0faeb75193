/** `check-config`: every problem at once, each as `file:line:column: where: what`. */
import { Command } from '@commander-js/extra-typings';
import { hostname } from 'node:os';
import { describeProblem, findConfigFile, loadConfig, type ConfigProblem } from '../../config/config.ts';
import { configOption, jsonOption, printJson, say } from '../common.ts';
import { exitCodes } from '../exit.ts';

export const checkConfigCommand = () =>
  new Command('check-config')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(({ config: explicit, json }) => {
      const found = findConfigFile(explicit, process.env, process.cwd());
      const loaded =
        'path' in found
          ? loadConfig(found.path, process.env, hostname())
          : { ok: false as const, problems: [found] };
      const problems: readonly ConfigProblem[] = loaded.ok ? [] : loaded.problems;
      if (!loaded.ok) process.exitCode = exitCodes.config;
      if (json === true) printJson({ ok: loaded.ok, file: 'path' in found ? found.path : null, problems });
      else if (loaded.ok)
        say(
          `${loaded.config.file} is right: ${String(loaded.config.dropRoots.length)} drop root(s), platform ${loaded.config.platform.kind}.`,
        );
      else for (const problem of problems) say(describeProblem(problem));
    });
