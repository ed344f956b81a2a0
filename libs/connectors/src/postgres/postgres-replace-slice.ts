import { EtlError, type Slice } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { withinSlice } from './cursor-slice.ts';
import { type Publishing, type Visible, names, run } from './publishing.ts';
import { quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;

/** Where the slice lies in the target, whose column may have another name. */
function sliceAtTarget({ task }: Publishing, { column, kind, from, to }: Slice): Pg {
  const there = task.columns.find(({ source }) => source === column);
  if (!there) throw new EtlError('plan.refused', { rule: 'a backfill needs its cursor', explanation: `${column} does not travel` });
  return withinSlice({ from, to }, { column: there.target, kind });
}

/** Rows that the target has in the slice and staging has not. @param key columns that name a row */
export async function extraRows(publishing: Publishing, { slice, key }: { slice: Slice; key: readonly string[] }): Promise<number> {
  const { relation, staging } = publishing;
  const match = joinSql(key.map((column) => sql`t.${identifier(column)} = s.${identifier(column)}`), sql` AND `);
  const [found] = await run(publishing, sql`SELECT count(*) AS n FROM (SELECT * FROM ${relation.name}${sliceAtTarget(publishing, slice)}) AS t WHERE NOT EXISTS (SELECT FROM ${staging} AS s WHERE ${match})`, 'UPDATE');
  return Number(found?.['n'] ?? 0);
}

/** The rows of a slice go, and those of staging come, in one transaction: afterwards the slice is the same at both ends.
 * @throws EtlError `sink.constraint-violated` where deleting would reach into another table, or a row of the slice lies outside of it at the target; `sink.reconcile-mismatch` when not every row arrived */
export async function replaceSlice(publishing: Publishing): Promise<Visible> {
  const { relation, staging, task, rows, session } = publishing;
  const { slice } = task;
  if (!slice) throw new EtlError('plan.refused', { rule: 'publish', explanation: 'replace-slice needs a slice' });
  await refuseReaching(publishing);
  await run(publishing, sql`LOCK TABLE ${relation.name} IN SHARE ROW EXCLUSIVE MODE`, 'UPDATE');
  await session.run(compile(sql`SET LOCAL row_security = off`)); // an error is better than rows that a policy hides from the DELETE
  const where = sliceAtTarget(publishing, slice);
  await run(publishing, sql`DELETE FROM ${relation.name}${where}`, 'DELETE');
  const columns = names(task.columns.map(({ target }) => target));
  const taken = await session.count(compile(sql`INSERT INTO ${relation.name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${staging}`), { relation: relation.text, phase: 'publishing', right: 'INSERT' });
  const [there] = await run(publishing, sql`SELECT count(*) AS n FROM ${relation.name}${where}`);
  if (taken !== rows || Number(there?.['n']) !== rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${rows} rows staged, ${taken} taken by ${relation.text}, ${String(there?.['n'])} there in the slice` });
  await run(publishing, sql`DROP TABLE ${staging}`);
  return { published: rows, inserted: null, updated: null, extra: 0 };
}
async function refuseReaching({ session, relation }: Publishing): Promise<void> {
  const [reaching] = await session.run<{ name: string }>(compile(sql`SELECT conname AS name FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd') AND confrelid = to_regclass(${quoted(relation)}) AND conrelid <> confrelid`));
  if (reaching) throw new EtlError('sink.constraint-violated', { constraint: `deleting rows reaches into another table by ${reaching.name}`, next: 'load: upsert keeps the rows that others refer to' });
}
