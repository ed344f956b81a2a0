import { EtlError } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { extraRows } from './postgres-replace-slice.ts';
import { type Publishing, type Visible, image, names, run, sameKey } from './publishing.ts';
import { quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;

/** A target so many times larger than what was read: below it one join costs less than as many look-ups. */
const PART = 8;

/** Rows that are equal already are left alone, so that a repeat writes nothing. */
export async function upsert(publishing: Publishing): Promise<Visible> {
  const { relation, staging, task } = publishing;
  const key = task.key ?? [];
  if (key.length === 0) throw new EtlError('profile.unusable', { dataset: relation.text, what: 'key for an upsert' });
  const all = task.columns.map(({ target }) => target);
  const rest = all.filter((column) => !key.includes(column));
  const change = rest.length === 0 ? sql`DO NOTHING` : sql`DO UPDATE SET ${joinSql(rest.map((column) => sql`${identifier(column)} = excluded.${identifier(column)}`), sql`, `)}
    WHERE ${image(sql`there`, rest)} *<> ${image(sql`excluded`, rest)}`;
  // A slice was read in one picture of a table that enforces the key: it has no twins that would have to be sorted out.
  const rows = task.cursor?.read === 'since' ? sql`SELECT ${names(all)} FROM ${staging}` : sql`SELECT DISTINCT ON (${names(key)}) ${names(all)} FROM ${staging} ORDER BY ${names(key)}, ctid DESC`;
  const merge = sql`INSERT INTO ${relation.name} AS there (${names(all)}) OVERRIDING SYSTEM VALUE ${rows}
      ON CONFLICT (${names(key)}) ${change}`;
  const counts = await isPartitioned(publishing) ? await mergeParts(publishing, merge, key)
    : (await run(publishing, sql`WITH changed AS (${merge} RETURNING (xmax = 0) AS is_new) SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM changed`, 'UPDATE'))[0];
  if (task.cursor?.read === 'since' || task.slice) await mustHaveArrived(publishing, key);
  const extra = task.slice ? { extra: await extraRows(publishing, { slice: task.slice, key }) } : {};
  await run(publishing, sql`DROP TABLE ${staging}`);
  const [inserted, updated] = [Number(counts?.['inserted'] ?? 0), Number(counts?.['updated'] ?? 0)];
  return { published: inserted + updated, inserted, updated, ...extra };
}

/** Of a part of the source only this part is compared: each staged row must be in the target as it was read, whatever a trigger did with it. At level counts no
 * value is compared where nothing stands between the statement and the table: what it has taken is there.
 * @throws EtlError `sink.reconcile-mismatch` with the number of rows that are not */
async function mustHaveArrived(publishing: Publishing, key: readonly string[]): Promise<void> {
  const { relation, staging, task } = publishing;
  const all = task.columns.map(({ target }) => target);
  const { rows, isBare } = await targetOf(publishing);
  if (task.level === 'counts' && isBare) return;
  // Few rows are looked up in the index of the key, one by one: a join would rather read a target that is many times larger from end to end.
  const there = rows > publishing.rows * PART ? sql`LEFT JOIN LATERAL (SELECT ${names(all)} FROM ${relation.name} AS t WHERE ${sameKey(key)} LIMIT 1) AS t ON true` : sql`LEFT JOIN ${relation.name} AS t ON ${sameKey(key)}`;
  const [found] = await run(publishing, sql`SELECT count(*) AS n FROM ${staging} AS s ${there} WHERE ${image(sql`t`, all)} *<> ${image(sql`s`, all)}`, 'UPDATE');
  const missing = Number(found?.['n'] ?? 0);
  if (missing > 0) throw new EtlError('sink.reconcile-mismatch', { difference: `${missing} of ${publishing.rows} rows are not in ${relation.text} as they were read` });
}

/** Its rows by its statistics, 0 where nobody analysed it or it has parts, and whether nothing may change what it is given: no trigger, no rule, and no type that is another than that of staging,
 * as it is when somebody altered a column since the plan. */
async function targetOf({ session, relation, task, stagingTable }: Publishing): Promise<{ rows: number; isBare: boolean }> {
  const [size] = await session.run<{ rows: number; bare: boolean }>(compile(sql`SELECT reltuples::float8 AS rows, NOT relhasrules AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
      AND ${task.columns.length}::int = (SELECT count(*) FROM pg_attribute s JOIN pg_attribute t ON t.attname = s.attname AND t.atttypid = s.atttypid AND t.atttypmod = s.atttypmod
        WHERE s.attrelid = to_regclass(${`_etl.${stagingTable}`}) AND s.attnum > 0 AND NOT s.attisdropped AND t.attrelid = c.oid) AS bare
    FROM pg_class c WHERE oid = to_regclass(${quoted(relation)}) AND relkind = 'r'`));
  return { rows: size?.rows ?? 0, isBare: size?.bare ?? false };
}
async function isPartitioned({ session, relation }: Publishing): Promise<boolean> {
  return (await session.run(compile(sql`SELECT FROM pg_class WHERE oid = to_regclass(${quoted(relation)}) AND relkind = 'p'`))).length > 0;
}
/** A partitioned table does not say which rows are new. Others wait with their writes, and new is what has no match before. */
async function mergeParts(publishing: Publishing, merge: Pg, key: readonly string[]): Promise<Record<string, unknown> | undefined> {
  const { relation, staging } = publishing;
  await run(publishing, sql`LOCK TABLE ${relation.name} IN SHARE ROW EXCLUSIVE MODE`, 'UPDATE');
  const match = sameKey(key);
  const [counts] = await run(publishing, sql`WITH made AS (SELECT count(*) AS n FROM (SELECT DISTINCT ${names(key)} FROM ${staging}) AS s WHERE NOT EXISTS (SELECT FROM ${relation.name} AS t WHERE ${match})),
      changed AS (${merge} RETURNING 1) SELECT (SELECT n FROM made) AS inserted, (SELECT count(*) FROM changed) - (SELECT n FROM made) AS updated`, 'UPDATE');
  return counts;
}
