import type pg from 'pg';
import type { Sql } from './sql.ts';
import { sql } from './sql.ts';
import { type AppliedStep, type KnownStep, floorOf } from './schema-rules.ts';

interface Row { name: string; release: number | null; floor: number | null }
/** Where a schema remembers of which release its migrations are: the release before it must know whether it may run here. */
export const stepTable = sql`create table if not exists schema_step (name text primary key, release integer not null, floor integer not null, applied_at timestamptz not null default clock_timestamp())`;

/** How a statement is run and answered: by the ORM or by the driver. */
export type Ask = <T>(query: Sql) => Promise<T[]>;
export const askOf = (client: pg.Client): Ask => async <T>({ text, values }: Sql) => (await client.query(text, [...values])).rows as T[];

/** Migrations of the schema on the search path, in the order in which they were run; none where nothing was ever migrated. */
export async function appliedSteps(ask: Ask): Promise<AppliedStep[]> {
  const [there] = await ask<{ migrations: boolean; steps: boolean }>(sql`select to_regclass('migrations') is not null as migrations, to_regclass('schema_step') is not null as steps`);
  if (!there?.migrations) return [];
  return there.steps ? ask<Row>(sql`select name, release, floor from migrations left join schema_step using (name) order by id`)
    : ask<Row>(sql`select name, null::integer as release, null::integer as floor from migrations order by id`);
}

/** Remembers a migration; in the transaction that runs it. */
export const remember = (step: KnownStep): Sql => sql`insert into schema_step (name, release, floor) values (${step.name}, ${step.release}, ${floorOf(step)}) on conflict do nothing`;
