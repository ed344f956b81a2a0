import { EtlError } from '@agent-etl/contracts';
import { type SqlFragment, compile, joinSql, sqlFor, typeName } from '@agent-etl/sql-safety';
import { setImmediate } from 'node:timers/promises';
import type { Published } from '../port.ts';
import { describeTable } from './describe-table.ts';
import type { Publishing } from './publishing.ts';
import { type Merging, merge, mustNotReach } from './sqlite-merge.ts';
import { columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
type Lite = SqlFragment<'sqlite'>;
const comma = sql`, `;
/** Rows that are moved between two breaths of the worker. */
const AT_ONCE = 50_000;

const names = (columns: readonly string[], of?: 'excluded'): Lite => joinSql(columns.map((name) => (of ? sql`excluded.${columnName(name)}` : sql`${columnName(name)}`)), comma);

/** Inside the publish transaction: makes staging visible in one of the plan's ways, and leaves no staging behind. Other writers wait until it ends. */
export async function makeVisible(publishing: Merging): Promise<Published> {
  const { database, task, table, rows, staging } = publishing;
  const exists = describeTable(database, table) !== null;
  const seen: Published = { published: rows, inserted: null, updated: null };
  if (!exists && task.how !== 'file' && task.how !== 'scd2') {
    await becomeTable(publishing);
    return task.how === 'upsert' ? { published: rows, inserted: rows, updated: 0 } : task.how === 'merge' ? { published: rows, inserted: rows, updated: 0, deleted: 0, unchanged: 0 } : seen;
  }
  if (exists) evolveTarget(publishing);
  switch (task.how) {
    case 'rename': if (database.run(compile(sql`SELECT 1 FROM main.${table.quoted} LIMIT 1`)).length > 0) throw new EtlError('plan.stale'); await insertAll(publishing, sql``); break;
    case 'swap': case 'truncate-insert': mustNotReach(publishing); database.run(compile(sql`DELETE FROM main.${table.quoted}`)); await insertAll(publishing, sql``); break;
    case 'append': await insertAll(publishing, sql``); break;
    case 'upsert': return upsert(publishing);
    case 'merge': return merge(publishing);
    case 'scd2': throw new EtlError('request.unsupported', { found: 'load: scd2 into SQLite', allowed: 'a PostgreSQL target' });
    case 'replace-slice': case 'file': throw new EtlError('plan.refused', { rule: 'publish', explanation: `SQLite is not published by ${task.how}` });
  }
  database.run(compile(sql`DROP TABLE main.${staging}`));
  return seen;
}

/** Columns that the plan adds, inside the publish transaction. SQLite gives a column no other type, so nothing is widened.
 * @throws EtlError `plan.stale` when a column of that name is there with another type */
function evolveTarget({ database, task: { evolve = [] }, table }: Publishing): void {
  const there = describeTable(database, table)?.columns ?? [];
  for (const { change, column, native } of evolve) {
    const found = there.find(({ name }) => name.toLowerCase() === column.toLowerCase());
    if (found?.type === native) continue;
    if (found || change !== 'add') throw new EtlError('plan.stale');
    database.run(compile(sql`ALTER TABLE main.${table.quoted} ADD COLUMN ${columnName(column)} ${typeName('sqlite', native)}`));
  }
}

/** Staging becomes the table. SQLite gives a key to no table that is there: with one, its rows move into a table that was made with it. */
async function becomeTable(publishing: Publishing): Promise<void> {
  const { database, task, table, staging } = publishing;
  if (!task.keyFromSource || !task.key?.length) {
    database.run(compile(sql`ALTER TABLE main.${staging} RENAME TO ${table.quoted}`));
    return;
  }
  const columns = task.columns.map(({ target, targetNative, nullable }) => sql`${columnName(target)} ${typeName('sqlite', targetNative)}${nullable && !task.key?.includes(target) ? sql`` : sql` NOT NULL`}`);
  database.run(compile(sql`CREATE TABLE main.${table.quoted} (${joinSql(columns, comma)}, PRIMARY KEY (${names(task.key)}))`));
  await insertAll(publishing, sql``);
  database.run(compile(sql`DROP TABLE main.${staging}`));
}
async function insertAll({ database, task, table, staging }: Publishing, onConflict: Lite): Promise<void> {
  const list = names(task.columns.map(({ target }) => target));
  const [last] = database.run<{ id: number | null }>(compile(sql`SELECT max(rowid) AS id FROM main.${staging}`));
  for (let from = 0; from < (last?.id ?? 0); from += AT_ONCE) {
    database.run(compile(sql`INSERT INTO main.${table.quoted} (${list}) SELECT ${list} FROM main.${staging} AS s WHERE s.rowid > ${from} AND s.rowid <= ${from + AT_ONCE}${onConflict}`));
    await setImmediate();
  }
}
async function upsert(publishing: Publishing): Promise<Published> {
  const { database, task, table, staging, rows } = publishing;
  const key = task.key ?? [];
  if (key.length === 0) throw new EtlError('plan.refused', { rule: 'key.none', explanation: 'an upsert needs its key' });
  const twin = database.run(compile(sql`SELECT 1 FROM main.${staging} GROUP BY ${names(key)} HAVING count(*) > 1 LIMIT 1`));
  if (twin.length > 0) throw new EtlError('sink.constraint-violated', { constraint: 'two rows of the source have one key', next: 'choose other key columns, or leave the key out' });
  const same = joinSql(key.map((name) => sql`t.${columnName(name)} = s.${columnName(name)}`), sql` AND `);
  const [found] = database.run<{ n: number }>(compile(sql`SELECT count(*) AS n FROM main.${staging} AS s WHERE EXISTS (SELECT 1 FROM main.${table.quoted} AS t WHERE ${same})`));
  const others = task.columns.map(({ target }) => target).filter((name) => !key.includes(name));
  const change = others.length === 0 ? sql`DO NOTHING` : sql`DO UPDATE SET ${joinSql(others.map((name) => sql`${columnName(name)} = excluded.${columnName(name)}`), comma)}`;
  await insertAll(publishing, sql` ON CONFLICT (${names(key)}) ${change}`);
  database.run(compile(sql`DROP TABLE main.${staging}`));
  const updated = found?.n ?? 0;
  return { published: rows, inserted: rows - updated, updated };
}
