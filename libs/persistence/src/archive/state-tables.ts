import { type Ask, appliedSteps } from '../applied-steps.ts';
import { type AppliedStep } from '../schema-rules.ts';
import { sql } from '../sql.ts';
import { schemas } from '../state-database.ts';
import type { ArchivePart } from './archive-format.ts';
import { type Reference, referredFirst } from './table-order-rules.ts';

/** Tables that the machinery of migrations keeps: an archive names their content in its header. */
const ofMachinery = ['migrations', 'schema_step'];
type Table = Omit<ArchivePart, 'sequences'>;

/** Tables of our schemas with their columns, those that are referred to first. */
export async function stateTables(ask: Ask): Promise<Table[]> {
  const rows = await ask<{ schema: string; table: string; columns: string[] }>(sql`
    select nspname as schema, relname as table, array_agg(attname::text order by attnum) as columns
    from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
    where nspname = any(${[...schemas]}::text[]) and relkind in ('r', 'p') and not relispartition and relname <> all(${ofMachinery}::text[]) group by 1, 2 order by 1, 2`);
  const references = await ask<Reference>(sql`select conrelid::regclass::text as from, confrelid::regclass::text as to from pg_constraint where contype = 'f'`);
  const nameOf = ({ schema, table }: Table): string => `${schema}.${table}`;
  const byName = new Map(rows.map((table) => [nameOf(table), table]));
  return referredFirst([...byName.keys()], references).map((name) => byName.get(name)!);
}

interface SequenceRow { column: string; schema: string; sequence: string }
/** Where the counters of a table stand. They count on outside the snapshot: what they say is never less than what its rows have. */
export async function sequencesOf(ask: Ask, { schema, table }: Table): Promise<ArchivePart['sequences']> {
  const rows = await ask<SequenceRow>(sql`select attname as column, sn.nspname as schema, s.relname as sequence from pg_depend join pg_class s on s.oid = objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
    join pg_attribute on attrelid = refobjid and attnum = refobjsubid where refobjid = format('%I.%I', ${schema}::text, ${table}::text)::regclass and deptype in ('i', 'a') order by 1`);
  return Promise.all(rows.map(async ({ column, schema: of, sequence }) => {
    const [at] = await ask<{ last: string | null }>(sql`select pg_sequence_last_value(format('%I.%I', ${of}::text, ${sequence}::text)::regclass)::text as last`);
    return { column, last: at?.last ?? '1', called: at?.last != null };
  }));
}

/** Migrations of each of our schemas that is there. */
export async function stateSteps(ask: Ask): Promise<Record<string, AppliedStep[]>> {
  const found = await ask<{ name: string }>(sql`select nspname as name from pg_namespace where nspname = any(${[...schemas]}::text[]) order by 1`);
  const steps: Record<string, AppliedStep[]> = {};
  for (const { name } of found) {
    await ask(sql`select set_config('search_path', ${name}, false)`);
    steps[name] = await appliedSteps(ask);
  }
  await ask(sql`select set_config('search_path', 'pg_catalog', false)`);
  return steps;
}
