import { EtlError } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, sqlFor } from '@agent-etl/sql-safety';
import { type Publishing, image, names, run, sameKey } from './publishing.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;

/** Where staging and target differ: a row per key that is new, changed or gone, each as the place of its row in either table. Places hold still while nobody else may write. */
export interface Difference { readonly table: SqlIdentifier; readonly made: number; readonly changed: number; readonly gone: number; readonly unchanged: number }
/** @property rows of the target that count
 * @property vanished whether rows that only the target has are of account */
interface Ask { readonly rows: Pg; readonly vanished: 'told' | 'left out' }

/** Keeps others from writing to the target until the transaction ends; readers go on. A row policy must not hide rows from the comparison: an error is better. */
export async function lockForMerge(publishing: Publishing): Promise<void> {
  await publishing.session.run(compile(sql`SET LOCAL row_security = off`));
  await run(publishing, sql`LOCK TABLE ${publishing.relation.name} IN SHARE ROW EXCLUSIVE MODE`, 'UPDATE');
}
/** Compares both by their keys, each row byte for byte, NULLs too, in one join. */
export async function findDifference(publishing: Publishing, { rows, vanished }: Ask): Promise<Difference> {
  const { relation, staging, stagingTable, task } = publishing;
  const table = identifier('_etl', `d_${stagingTable.slice(2)}`);
  const all = task.columns.map(({ target }) => target);
  const there = sql`(SELECT tableoid, ctid, ${names(all)} FROM ${relation.name} WHERE ${rows}) AS t`; // no column of a user has the name of a system column
  const join = vanished === 'told' ? sql`FULL JOIN` : sql`RIGHT JOIN`;
  await run(publishing, sql`CREATE TABLE ${table} AS SELECT t.tableoid AS part, t.ctid AS at, s.ctid AS staged FROM ${there} ${join} ${staging} AS s ON ${sameKey(task.key ?? [])}
    WHERE t.ctid IS NULL OR s.ctid IS NULL OR ${image(sql`t`, all)} *<> ${image(sql`s`, all)}`, 'UPDATE');
  await run(publishing, sql`ANALYZE ${table}`);
  const [found] = await run(publishing, sql`SELECT count(*) FILTER (WHERE at IS NULL) AS made, count(*) FILTER (WHERE at IS NOT NULL AND staged IS NOT NULL) AS changed, count(*) FILTER (WHERE staged IS NULL) AS gone FROM ${table}`);
  const [made, changed, gone] = [Number(found?.['made']), Number(found?.['changed']), Number(found?.['gone'])];
  return { table, made, changed, gone, unchanged: publishing.rows - made - changed };
}
/** Rows of `t` that the difference names. */
export const namedBy = sql`t.tableoid = d.part AND t.ctid = d.at`;

/** A source that lost many rows at once is more often a broken source than a true one.
 * @throws EtlError `sink.too-many-deletes` */
export function mustNotVanish({ task, relation }: Publishing, { made, gone, unchanged, changed }: Difference): void {
  const { atMost, then } = task.vanished ?? { atMost: 0, then: 'delete' };
  const before = unchanged + changed + gone;
  if (gone === 0 || gone <= atMost * before) return;
  const share = Math.min(100, Math.ceil((gone / before) * 1000) / 10);
  const limit = `${Math.round(atMost * 1e5) / 1e3} %`;
  throw new EtlError('sink.too-many-deletes', { missing: gone, rows: before, target: relation.text, action: then, limit, hint: `${made + changed + unchanged === 0 ? 'the source is empty: ' : ''}look at the source; if it is right, allow it: to.deletes: { atMost: ${share}% }` });
}
/** @throws EtlError `sink.constraint-violated` when two staged rows have one key, else `sink.reconcile-mismatch` with what was counted */
export async function mustCount(publishing: Publishing, { what, wanted, found }: { what: string; wanted: number; found: number }): Promise<void> {
  if (wanted === found) return;
  const { staging, task } = publishing;
  const [twin] = await run(publishing, sql`SELECT 1 FROM ${staging} GROUP BY ${names(task.key ?? [])} HAVING count(*) > 1 LIMIT 1`);
  if (twin) throw new EtlError('sink.constraint-violated', { constraint: 'two rows of the source have one key', next: 'choose other key columns' });
  throw new EtlError('sink.reconcile-mismatch', { difference: `${wanted} rows to ${what} in ${publishing.relation.text}, ${found} were` });
}
