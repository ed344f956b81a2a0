import { CommanderError } from 'commander';
import { buildProgram } from './program.ts';
import { failureScreen } from './screens/failure-screen.ts';
import { type ExitCode, exitCodes } from './session/exit-codes.ts';
import { failureOf } from './session/failure-of.ts';
import { Output } from './session/output.ts';
import type { Session } from './session/session.ts';
import { wrongWords } from './session/wrong-words.ts';

// A reader that left, such as `| head`, is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 0 : 1); });

let code: ExitCode = exitCodes.green;
let session: Session | null = null;
const program = buildProgram({ cwd: process.cwd(), env: process.env, onExit: (given) => { code = given; }, onSession: (opened) => { session = opened; } });
const words = process.argv.slice(2);
/** Help that was asked for, or that stands for a missing command, is no failure to tell. */
const isHelp = (error: CommanderError): boolean => error.exitCode === 0 || error.code === 'commander.help';
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError && isHelp(error)) {
    code = error.exitCode === 0 ? exitCodes.green : exitCodes.wrongUse;
  } else {
    const output = (session as Session | null)?.output ?? new Output({ json: words.includes('--json'), events: words.includes('--events'), noColor: words.includes('--no-color') }, process.env);
    const found = failureOf(error instanceof CommanderError ? wrongWords(error, program, words) : error);
    code = found.code;
    output.error({ error: found.failure }, failureScreen(found.failure, output.errorPaint));
    (session as Session | null)?.noteOn(found.failure);
    if ((session as Session | null)?.debug) console.error(error);
  }
}
// Sockets that keep alive would hold the process for seconds; everything that matters is written.
process.exitCode = code;
setTimeout(() => process.exit(), 200).unref();
