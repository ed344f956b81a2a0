import 'reflect-metadata';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toFailure } from '@agent-etl/contracts';
import { processEnvironment } from '@agent-etl/service-kit';
import { backup, restore } from './state-archive.ts';

// `agent-etl backup` and `agent-etl restore` run this: one JSON line per table, then one with the result or the failure.
const { values, positionals: [work, file = ''] } = parseArgs({ allowPositionals: true, options: { project: { type: 'string' }, key: { type: 'string' } } });
const env = processEnvironment();
const say = (what: unknown): void => { process.stdout.write(`${JSON.stringify(what)}\n`); };
try {
  const options = {
    projectDir: resolve(values.project ?? '.'), file: resolve(file), keyFile: values.key ? resolve(values.key) : null,
    stateUrl: env['ETL_PERSISTENCE_ADMIN_URL'] ?? env['ETL_PERSISTENCE_URL'] ?? null, passwordFile: env['ETL_PERSISTENCE_ADMIN_PASSWORD_FILE'], onTable: (table: string, rows: number) => { say({ table, rows }); } };
  say({ result: await (work === 'backup' ? backup(options) : restore(options)) });
} catch (error) {
  const failure = toFailure(error);
  say({ failure });
  if (failure.code === 'platform.internal') process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
  process.exitCode = 1;
}
