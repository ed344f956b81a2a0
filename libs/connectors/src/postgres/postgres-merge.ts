import { EtlError, digestText } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { type Publishing, type Visible, names, run } from './publishing.ts';
import { referencesTo } from './references-to.ts';
import { type Difference, findDifference, lockForMerge, mustCount, mustNotVanish, namedBy } from './table-difference.ts';
import { digestWithin } from './table-digest.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;

/** Makes the target what staging is: rows that vanished go, changed ones are updated, new ones inserted, others are not touched. Then every row of the target is
 * compared with what was read, before anybody else sees it.
 * @throws EtlError `sink.too-many-deletes`, `sink.reconcile-mismatch` when a trigger made other rows of it */
export async function merge(publishing: Publishing): Promise<Visible> {
  const { relation, staging } = publishing;
  await lockForMerge(publishing);
  const found = await findDifference(publishing, { rows: sql`true`, vanished: 'told' });
  mustNotVanish(publishing, found);
  publishing.onStep?.('compared');
  if (found.gone > 0) await takeAway(publishing, found);
  if (found.changed > 0) await change(publishing, found);
  if (found.made > 0) await add(publishing, found);
  await mustEqual(publishing, sql`${relation.name}`);
  await run(publishing, sql`DROP TABLE ${found.table}, ${staging}`);
  const { made: inserted, changed: updated, gone: deleted, unchanged } = found;
  return { published: inserted + updated, inserted, updated, deleted, unchanged };
}
/** Before the others: a value that must be unique may go from a row that vanished to one that is new. */
async function takeAway(publishing: Publishing, { table, gone }: Difference): Promise<void> {
  await referencesTo(publishing);
  await touch(publishing, { statement: sql`DELETE FROM ${publishing.relation.name} AS t USING ${table} AS d WHERE d.staged IS NULL AND ${namedBy}`, what: 'delete', wanted: gone, right: 'DELETE' });
}
/** Whole numbers are equal only when their bytes are, and a column of them may be one that the server alone fills. */
async function change(publishing: Publishing, { table, changed }: Difference): Promise<void> {
  const { relation, staging, task } = publishing;
  const set = task.columns.filter(({ target, type }) => !(task.key?.includes(target) && /^i\d\d$/.test(type.kind))).map(({ target }) => sql`${identifier(target)} = s.${identifier(target)}`);
  await touch(publishing, { statement: sql`UPDATE ${relation.name} AS t SET ${joinSql(set, sql`, `)} FROM ${table} AS d JOIN ${staging} AS s ON s.ctid = d.staged WHERE ${namedBy}`, what: 'change', wanted: changed, right: 'UPDATE' });
}
async function add(publishing: Publishing, { table, made }: Difference): Promise<void> {
  const { relation, staging, task } = publishing;
  const columns = names(task.columns.map(({ target }) => target));
  await touch(publishing, { statement: sql`INSERT INTO ${relation.name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${staging} AS s WHERE EXISTS (SELECT FROM ${table} AS d WHERE d.at IS NULL AND d.staged = s.ctid)`, what: 'insert', wanted: made, right: 'INSERT' });
}
interface Touch { readonly statement: Pg; readonly what: string; readonly wanted: number; readonly right: 'INSERT' | 'UPDATE' | 'DELETE' }
/** Runs what must touch exactly so many rows. */
export async function touch(publishing: Publishing, { statement, what, wanted, right }: Touch): Promise<void> {
  const found = await publishing.session.count(compile(statement), { relation: publishing.relation.text, phase: 'publishing', right });
  await mustCount(publishing, { what, wanted, found });
}

/** Rows of the target must be what was staged, whatever a trigger did with them: by digest where staging has one of all its rows, else by count.
 * @throws EtlError `sink.reconcile-mismatch` naming both */
export async function mustEqual(publishing: Publishing, from: Pg): Promise<void> {
  const { session, task, digest, relation, rows } = publishing;
  if (!digest || task.level === 'sampled') {
    const [counted] = await run(publishing, sql`SELECT count(*) AS n FROM ${from}`);
    return mustCount(publishing, { what: 'be', wanted: rows, found: Number(counted?.['n']) });
  }
  const now = await digestWithin(session, task, { from, said: relation.text });
  await mustCount(publishing, { what: 'be', wanted: digest.rows, found: now.rows });
  if (digestText(now) !== digestText(digest)) throw new EtlError('sink.reconcile-mismatch', { difference: `source ${digestText(digest)}, ${relation.text} ${digestText(now)} after the merge` });
}
