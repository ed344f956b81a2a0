import 'reflect-metadata';
import { toFailure } from '@agent-etl/contracts';
import { readArguments } from './command-line.ts';
import { type Standalone, startStandalone } from './start-standalone.ts';

/** Exit code of a start that found another standalone on the folder: who started it waits for that one. */
const runsAlready = 75;
let standalone: Standalone | null = null;
let isStopping = false;
const stop = (): void => {
  if (isStopping) process.exit(1);
  isStopping = true;
  void (standalone?.stop() ?? Promise.resolve()).then(() => 0, () => 1).then((code) => { process.exit(code); });
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
try {
  const options = readArguments(process.argv.slice(2), process.cwd());
  standalone = await startStandalone(options, stop);
  process.stderr.write(`agent-etl standalone ready at ${standalone.url}\n`);
  if (isStopping) await standalone.stop();
} catch (error) {
  const { code, text, next } = toFailure(error);
  process.stderr.write(` x  ${text}\n${next ? `    next    ${next}\n` : ''}    code    ${code}\n${code === 'platform.internal' && error instanceof Error ? `${error.stack ?? error.message}\n` : ''}`);
  process.exit(code === 'request.conflict' ? runsAlready : 1);
}
