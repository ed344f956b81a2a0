import type { Command, CommanderError } from 'commander';
import { didYouMean } from '@agent-etl/contracts';
import { WrongUse } from './exit-codes.ts';

/** Walks down the command tree as far as the words are commands. */
function deepest(program: Command, words: readonly string[]): { command: Command; path: string; rest: readonly string[] } {
  let [command, path, at] = [program, program.name(), 0];
  for (let next: Command | undefined; (next = command.commands.find((each) => each.name() === words[at])) !== undefined; at += 1) [command, path] = [next, `${path} ${next.name()}`];
  return { command, path, rest: words.slice(at) };
}
const quoted = (message: string): string => /'([^']*)'/.exec(message)?.[1] ?? '';

/** What was typed wrongly, in our words: the sentence, and the nearest thing that there is. */
export function wrongWords(error: CommanderError, program: Command, argv: readonly string[]): WrongUse {
  const words = argv.filter((word) => !word.startsWith('-'));
  const { command, path, rest } = deepest(program, words);
  const help = path === program.name() ? `${path} help` : `${path} --help`;
  const noCommand = (name: string): WrongUse => new WrongUse(`There is no command ${path.slice(program.name().length + 1)} ${name}.`.replace(/ {2,}/g, ' '), didYouMean(name, command.commands.map((each) => each.name())) ?? help);
  switch (error.code) {
    case 'commander.unknownCommand': return noCommand(quoted(error.message));
    case 'commander.excessArguments': return command.commands.length && rest[0] !== undefined ? noCommand(rest[0]) : new WrongUse(`${path} takes fewer words: ${rest.join(' ')}.`, help);
    case 'commander.unknownOption': {
      const option = quoted(error.message);
      return new WrongUse(`There is no option ${option}.`, didYouMean(option, [...new Set([...command.options, ...program.options].flatMap(({ long }) => long ?? []))]) ?? help);
    }
    case 'commander.missingArgument': return new WrongUse(`${path} needs one more word: ${quoted(error.message)}.`, help);
    default: return new WrongUse(error.message.replace(/^error: /, '').replace(/\.?$/, '.'), help);
  }
}
