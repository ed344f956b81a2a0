import { type Digest, EtlError, digestText } from '@agent-etl/contracts';
import { type SqlFragment, compile, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { setImmediate } from 'node:timers/promises';
import type { Published, Staged } from '../port.ts';
import type { Publishing } from './publishing.ts';
import { columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
type Lite = SqlFragment<'sqlite'>;
/** Rows that are looked at between two breaths of the worker. */
const AT_ONCE = 50_000;

/** @property hash digest of every row of the target as it is inside the transaction */
export interface Merging extends Publishing { readonly digest: Staged['digest']; readonly onStep?: Staged['onStep']; readonly hash: () => Promise<Digest> }

/** Makes the target what staging is: rows that vanished go, changed ones are updated, new ones inserted, others are not touched. Then every row of the target is
 * compared with what was read. Other writers wait until it ends.
 * @throws EtlError `sink.too-many-deletes`, `sink.constraint-violated` for two staged rows with one key, `sink.reconcile-mismatch` */
export async function merge(merging: Merging): Promise<Published> {
  const { database, task, table, staging, rows } = merging;
  const key = task.key ?? [];
  if (key.length === 0) throw new EtlError('plan.refused', { rule: 'key.none', explanation: 'a merge needs its key' });
  const list = joinSql(key.map((name) => sql`${columnName(name)}`), sql`, `);
  mustBeSingle(merging, list);
  database.run(compile(sql`CREATE INDEX main.${columnName(`${staging.parts.at(-1)!}_key`)} ON ${columnName(staging.parts.at(-1)!)} (${list})`));
  const deleted = takeAway(merging, sameKey(key));
  merging.onStep?.('compared');
  const updated = await inSteps(merging, change(merging, key));
  const all = joinSql(task.columns.map(({ target }) => sql`${columnName(target)}`), sql`, `);
  const inserted = await inSteps(merging, sql`INSERT INTO main.${table.quoted} (${all}) SELECT ${all} FROM main.${staging} AS s WHERE NOT EXISTS (SELECT 1 FROM main.${table.quoted} AS t WHERE ${sameKey(key)})`);
  await mustEqual(merging);
  database.run(compile(sql`DROP TABLE main.${staging}`));
  return { published: inserted + updated, inserted, updated, deleted, unchanged: rows - inserted - updated };
}
const sameKey = (key: readonly string[]): Lite => joinSql(key.map((name) => sql`t.${columnName(name)} = s.${columnName(name)}`), sql` AND `);

function mustBeSingle({ database, staging }: Merging, key: Lite): void {
  const twin = database.run(compile(sql`SELECT 1 FROM main.${staging} GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`));
  if (twin.length > 0) throw new EtlError('sink.constraint-violated', { constraint: 'two rows of the source have one key', next: 'choose other key columns' });
}
/** Before the others: a value that must be unique may go from a row that vanished to one that is new. */
function takeAway(merging: Merging, same: Lite): number {
  const { database, task, table, staging } = merging;
  const strange = sql`main.${table.quoted} AS t WHERE NOT EXISTS (SELECT 1 FROM main.${staging} AS s WHERE ${same})`;
  const [found] = database.run<{ gone: number; total: number }>(compile(sql`SELECT (SELECT count(*) FROM ${strange}) AS gone, (SELECT count(*) FROM main.${table.quoted}) AS total`));
  const { gone = 0, total = 0 } = found ?? {};
  const { atMost, then } = task.vanished ?? { atMost: 0, then: 'delete' };
  if (gone > atMost * total) {
    const share = Math.min(100, Math.ceil((gone / total) * 1000) / 10);
    throw new EtlError('sink.too-many-deletes', { missing: gone, rows: total, target: table.name, action: then, limit: `${Math.round(atMost * 1e5) / 1e3} %`, hint: `${merging.rows === 0 ? 'the source is empty: ' : ''}look at the source; if it is right, allow it: to.deletes: { atMost: ${share}% }` });
  }
  if (gone === 0) return 0;
  mustNotReach(merging);
  database.run(compile(sql`DELETE FROM ${strange}`));
  return changes(merging);
}
/** @throws EtlError `sink.constraint-violated` naming a table whose rows would go or change along with those that are deleted */
export function mustNotReach({ database, table }: Pick<Publishing, 'database' | 'table'>): void {
  const [reaching] = database.run<{ name: string }>(compile(sql`SELECT m.name FROM main.sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f
    WHERE m.type = 'table' AND lower(f."table") = lower(${table.name}) AND lower(m.name) <> lower(${table.name}) AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') LIMIT 1`));
  if (reaching) throw new EtlError('sink.constraint-violated', { constraint: `deleting rows reaches into ${reaching.name}`, next: 'load: upsert keeps the rows that others refer to' });
}
/** Rows that differ in a value, its type or its letters, whatever the collation of the column calls equal. */
function change({ task, table, staging }: Merging, key: readonly string[]): Lite {
  const all = task.columns.map(({ target }) => columnName(target));
  const differs = joinSql(all.map((name) => sql`t.${name} COLLATE BINARY IS NOT s.${name} OR typeof(t.${name}) <> typeof(s.${name})`), sql` OR `);
  return sql`UPDATE main.${table.quoted} AS t SET ${joinSql(all.map((name) => sql`${name} = s.${name}`), sql`, `)} FROM main.${staging} AS s WHERE ${sameKey(key)} AND (${differs})`;
}
async function inSteps(merging: Merging, statement: Lite): Promise<number> {
  const { database, staging } = merging;
  const [last] = database.run<{ id: number | null }>(compile(sql`SELECT max(rowid) AS id FROM main.${staging}`));
  let touched = 0;
  for (let from = 0; from < (last?.id ?? 0); from += AT_ONCE) {
    database.run(compile(sql`${statement} AND s.rowid > ${from} AND s.rowid <= ${from + AT_ONCE}`));
    touched += changes(merging);
    await setImmediate();
  }
  return touched;
}
const changes = ({ database }: Merging): number => database.run<{ n: number }>(compile(sql`SELECT changes() AS n`))[0]?.n ?? 0;

async function mustEqual({ database, table, rows, digest, hash }: Merging): Promise<void> {
  if (digest) {
    const now = await hash();
    if (digestText(now) !== digestText(digest)) throw new EtlError('sink.reconcile-mismatch', { difference: `source ${digestText(digest)}, ${table.name} ${digestText(now)} after the merge` });
    return;
  }
  const [counted] = database.run<{ n: number }>(compile(sql`SELECT count(*) AS n FROM main.${table.quoted}`));
  if (counted?.n !== rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${rows} rows staged, ${counted?.n ?? 0} in ${table.name} after the merge` });
}
