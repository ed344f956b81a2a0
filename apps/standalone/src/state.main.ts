import 'reflect-metadata';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Failure, toFailure } from '@agent-etl/contracts';
import { processEnvironment } from '@agent-etl/service-kit';
import { backup, restore } from './state-archive.ts';

// `agent-etl backup` and `agent-etl restore` run this: one JSON line per table, then one with the result or the failure.
const { values, positionals: [work, file = ''] } = parseArgs({ allowPositionals: true, options: { project: { type: 'string' }, key: { type: 'string' } } });
const env = processEnvironment();
const say = (what: unknown): void => { process.stdout.write(`${JSON.stringify(what)}\n`); };
// The first signal ends the work and what was started for it; a second one leaves at once.
const stop = new AbortController();
const left = work === 'backup' ? 'no file was made' : 'no row of the backup is in its target, which still counts as empty';
for (const [signal, by] of [['SIGINT', 'Ctrl-C'], ['SIGTERM', 'SIGTERM'], ['SIGHUP', 'its terminal']] as const) process.on(signal, () => {
  if (stop.signal.aborted) process.exit(130);
  stop.abort({ code: 'run.cancelled', text: `The ${work ?? 'work'} was ended by ${by}: ${left}.`, next: 'run the same command again', traceId: null } satisfies Failure);
});
try {
  const options = {
    projectDir: resolve(values.project ?? '.'), file: resolve(file), keyFile: values.key ? resolve(values.key) : null,
    stateUrl: env['ETL_PERSISTENCE_ADMIN_URL'] ?? env['ETL_PERSISTENCE_URL'] ?? null, passwordFile: env['ETL_PERSISTENCE_ADMIN_PASSWORD_FILE'], onTable: (table: string, rows: number) => { say({ table, rows }); }, signal: stop.signal };
  say({ result: await (work === 'backup' ? backup(options) : restore(options)) });
} catch (error) {
  const failure = stop.signal.aborted && error === stop.signal.reason ? error as Failure : toFailure(error);
  say({ failure });
  if (failure.code === 'platform.internal') process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
  process.exitCode = 1;
}
