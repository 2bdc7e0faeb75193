/** `completion`: a script that teaches a shell what can be typed. */
import { Argument, Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { completionScript, shells } from '../completion.ts';

/** @param top the whole program, once it is put together */
export const completionCommand = (top: () => CommandUnknownOpts) =>
  new Command('completion')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .action((shell) => {
      process.stdout.write(completionScript(shell, top()));
    });
