/** `explain`: what a class of reason, a problem or a check means, and what to type. Needs no daemon. */
import { Command } from '@commander-js/extra-typings';
import { styleText } from 'node:util';
import { didYouMean } from '../../config/nearest.ts';
import { jsonOption, printJson, say } from '../common.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { explanations } from '../operating.ts';

export const explainCommand = () =>
  new Command('explain')
    .argument('[topic]', 'a class of reason, or what status or doctor calls it; without it: all there are')
    .addOption(jsonOption())
    .action((topic, { json }) => {
      const entries = explanations();
      const topics = entries.map((entry) => entry.topic);
      if (topic === undefined) {
        if (json === true) printJson(topics);
        else say(topics.join('\n'));
        return;
      }
      const entry = entries.find((one) => one.topic === topic);
      if (entry === undefined) {
        throw new CommandFailure(
          exitCodes.failed,
          `there is nothing about "${topic}"${didYouMean(topic, topics)}; \`runtrackd explain\` lists what there is`,
        );
      }
      if (json === true) printJson(entry);
      else say(`${styleText('bold', entry.topic)}\n\n${plain(entry.text)}`);
    });

/** Markdown as a terminal shows it: what is to be typed is indented, and nothing is in signs. */
function plain(markdown: string): string {
  return markdown
    .replaceAll(/```sh\n([^]*?)```/g, (_all, lines: string) => lines.trimEnd().replaceAll(/^/gm, '  '))
    .replaceAll(/\*\*([^*]+)\*\*/g, (_all, words: string) => styleText('bold', words))
    .replaceAll('`', '');
}
