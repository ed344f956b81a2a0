import { describe, expect, it } from '@jest/globals';
import { CommanderError } from 'commander';
import { buildProgram } from '../program.ts';
import { exitCodes } from './exit-codes.ts';
import { failureOf } from './failure-of.ts';
import { wrongWords } from './wrong-words.ts';

/** What a person reads who has typed these words. */
async function told(...words: string[]): Promise<[text: string, next: string | null]> {
  const program = buildProgram({ cwd: '/', env: {}, onExit: () => undefined, onSession: () => { throw new Error('a command was about to run'); } }).configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  const error = await program.parseAsync(words, { from: 'user' }).then(() => null, (thrown: unknown) => thrown);
  if (!(error instanceof CommanderError)) throw new Error(`not refused: ${String(error)}`);
  const { failure, code } = failureOf(wrongWords(error, program, words));
  expect([failure.code, code, failure.traceId]).toEqual(['request.invalid', exitCodes.wrongUse, null]);
  return [failure.text, failure.next];
}
describe('words that are no command', () => {
  it.each<[string[], string, string]>([
    [['rnu', 'x'], 'There is no command rnu.', 'did you mean run or runs?'], [['nonsense'], 'There is no command nonsense.', 'agent-etl help'],
    [['connections', 'tset', 'shop'], 'There is no command connections tset.', 'did you mean test?'], [['receipt', 'shwo'], 'There is no command receipt shwo.', 'did you mean show?'],
    [['run', 'a.b.c', '--too', 'x'], 'There is no option --too.', 'did you mean --to?'], [['runs', '--jsno'], 'There is no option --jsno.', 'did you mean --json?'],
    [['run'], 'agent-etl run needs one more word: what.', 'agent-etl run --help'], [['connections', 'test'], 'agent-etl connections test needs one more word: name.', 'agent-etl connections test --help'],
    [['doctor', 'now'], 'agent-etl doctor takes fewer words: now.', 'agent-etl doctor --help'], [['--json', 'nonsense'], 'There is no command nonsense.', 'agent-etl help'],
  ])('are answered with the nearest one: %j', async (words, text, next) => { expect(await told(...words)).toEqual([text, next]); });
  it.each([['run', 'a.b.c', '--watch'], ['--tenant', 'default', 'run', 'a.b.c'], ['dlq', 'list', '--tenant', 'default']])('are none of these: %j %j %j', async (...words) => { await expect(told(...words)).rejects.toThrow('a command was about to run'); });
  it('does not both follow a run and leave it', async () => { expect(await told('run', 'a.b.c', '--watch', '--detach')).toEqual([expect.stringContaining('--watch'), 'agent-etl run --help']); });
  it('mean the same before and behind the command', async () => {
    for (const words of [['--json', '--quiet', 'connectors'], ['connectors', '--quiet', '--json']]) await expect(told(...words)).rejects.toThrow('a command was about to run');
  });
});
