import { setTimeout as sleep } from 'node:timers/promises';
import { EtlError } from '@agent-etl/contracts';
import { DataSource, type QueryRunner } from 'typeorm';
import { type Ask, appliedSteps, remember, stepTable } from './applied-steps.ts';
import { databaseCode } from './database-errors.ts';
import type { MigrationClass } from './migration-class.ts';
import { STATE_RELEASE } from './release.ts';
import { OWNER_ROLE } from './row-security.ts';
import { requireMigratable } from './schema-check.ts';
import { type MigrationPhase, dueSteps, floorOf, judgeSchema } from './schema-rules.ts';
import { type Sql, sql } from './sql.ts';

export interface SchemaMigrations { schema: string; migrations: MigrationClass[] }
/** A change of a table waits this long for who uses it, and who comes after waits behind it; then it steps back and tries again. */
const LOCK_MS = 3_000;
const TRIES = 20;
/** Not locked in time, or the one of two that waited for each other which the server ended. */
const stepsBack = new Set<string | null>(['55P03', '40P01']);

/** Runs what a phase has to run and the schema has not seen, each in a transaction of its own together with its record: a kill leaves whole migrations behind, and the next call goes on.
 * @throws EtlError `state.newer`, `state.half-migrated`, `state.in-use` for a contraction that a running process would not survive */
export async function migrateSchema(url: string, { schema, migrations }: SchemaMigrations, phase: MigrationPhase): Promise<void> {
  const known = migrations.map((One) => ({ One, step: new One() }));
  const due = new Set(dueSteps(known.map(({ step }) => step), phase).map(({ name }) => name));
  const source = new DataSource({
    type: 'postgres', url, migrations: known.filter(({ step }) => due.has(step.name)).map(({ One }) => withRecord(One)), migrationsTransactionMode: 'each', applicationName: `etl-migrate-${schema}`, poolSize: 1,
    installExtensions: false, logging: false, extra: { options: `-c search_path=${schema} -c role=${OWNER_ROLE} -c TimeZone=UTC -c lock_timeout=${LOCK_MS} -c client_min_messages=warning` },
  });
  await source.initialize();
  const ask: Ask = (query) => source.query(query.text, [...query.values]);
  try {
    const applied = await appliedSteps(ask);
    requireMigratable(schema, judgeSchema(applied, known.map(({ step }) => step)));
    const pending = known.filter(({ step }) => due.has(step.name) && !applied.some(({ name }) => name === step.name));
    if (pending.some(({ step }) => floorOf(step) >= STATE_RELEASE)) await refuseWhileUsed(ask, schema);
    await ask(stepTable);
    await patiently(() => source.runMigrations());
    for (const { step } of known) if (applied.some(({ name, floor }) => name === step.name && floor === null)) await ask(remember(step)); // of before databases remembered it
  } finally { await source.destroy(); }
}

/** The migration and its record, in one transaction. */
function withRecord(One: MigrationClass): MigrationClass {
  return class extends One {
    override async up(runner: QueryRunner): Promise<void> {
      await super.up(runner);
      const { text, values }: Sql = remember(this);
      await runner.query(text, [...values]);
    }
  };
}

async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try { await work(); return; } catch (error) {
      if (!stepsBack.has(databaseCode(error)) || tries === TRIES) throw error;
      await sleep(1_000 * Math.random());
    }
  }
}

/** Processes of earlier releases have a session of their own as long as they live: it carries their release in its name. */
async function refuseWhileUsed(ask: Ask, schema: string): Promise<void> {
  const sessions = await ask<{ name: string }>(sql`select distinct application_name as name from pg_stat_activity where datname = current_database() and (application_name = ${`etl-${schema}`} or application_name like ${`etl-${schema} r%`})`);
  const older = sessions.map(({ name }) => ({ name, release: Number(/ r(\d+)$/.exec(name)?.[1] ?? 0) })).filter(({ release }) => release < STATE_RELEASE);
  if (older.length) throw new EtlError('state.in-use', { schema, what: older.map(({ release }) => (release ? `release ${release}` : 'a release of before')).join(', ') });
}
