import { type Digest, EtlError, type PublishTask } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, joinSql, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { Published, Staged } from '../port.ts';
import type { MysqlLedger } from './mysql-ledger.ts';
import type { MysqlSession } from './mysql-session.ts';
import { type MysqlTable, asName, findMysql } from './mysql-table.ts';

const sql = sqlFor('mysql');
type My = SqlFragment<'mysql'>;
const comma = sql`, `;
/** Tables of one run: what is staged, what takes the place of a table, and the table that had to go. */
export interface RunTables { readonly staging: SqlIdentifier; readonly next: SqlIdentifier; readonly old: SqlIdentifier }
export interface Publishing {
  readonly session: MysqlSession; readonly ledger: MysqlLedger; readonly fence: number; readonly task: PublishTask; readonly table: MysqlTable; readonly tables: RunTables; readonly rows: number; readonly digest: Digest | null; readonly onStep?: Staged['onStep'];
}
const names = (columns: readonly string[], of?: My): My => joinSql(columns.map((name) => (of ? sql`${of}.${asName(name)}` : sql`${asName(name)}`)), comma);
const run = ({ session, table }: Publishing, statement: My) => session.change(compile(statement), table.name);
const mismatch = (rows: number, taken: number): EtlError => new EtlError('sink.reconcile-mismatch', { difference: `${rows} rows are staged, the target took ${taken}` });

/** @throws EtlError `request.unsupported`, `plan.refused` for a way that MySQL is not published in, whether there is a target or not */
function refuseWay(how: PublishTask['how']): void {
  if (how === 'merge' || how === 'scd2') throw new EtlError('request.unsupported', { found: `load: ${how} into MySQL`, allowed: 'a PostgreSQL target, or load: upsert' });
  if (how === 'replace-slice' || how === 'file') throw new EtlError('plan.refused', { rule: 'publish', explanation: `MySQL is not published by ${how}` });
}

/** Makes staging visible in one of the plan's ways. */
export async function publishRows(publishing: Publishing): Promise<Published> {
  const { session, task, table, rows } = publishing;
  refuseWay(task.how);
  const facts = await findMysql(session, table);
  const seen: Published = { published: rows, inserted: null, updated: null };
  if (!facts && task.how !== 'file') {
    const visible = task.how === 'upsert' ? { ...seen, inserted: rows, updated: 0 } : seen;
    await finishKey(publishing);
    return byRenames(publishing, { visible, moves: publishing.tables.staging, renames: sql`${publishing.tables.staging} TO ${table.quoted}` });
  }
  switch (task.how) {
    case 'rename': return inTransaction(publishing, async () => { await mustBeEmpty(publishing); await insertAll(publishing); return seen; });
    case 'append': return inTransaction(publishing, async () => { await insertAll(publishing); return seen; });
    case 'truncate-insert': return inTransaction(publishing, () => replaceRows(publishing, seen));
    case 'swap': return await isPlain(publishing) ? swap(publishing, seen) : inTransaction(publishing, () => replaceRows(publishing, seen));
    case 'upsert': return inTransaction(publishing, () => upsert(publishing));
    case 'merge': case 'scd2': case 'replace-slice': case 'file': throw new TypeError('a way that was refused');
  }
}

/** Rows, ledger row and fence in one transaction. */
async function inTransaction(publishing: Publishing, work: () => Promise<Published>): Promise<Published> {
  const { session, ledger, fence, rows, digest } = publishing;
  try {
    await session.change(compile(sql`START TRANSACTION`));
    await ledger.hold(session, fence);
    await ledger.mustSum(session, rows);
    const published = await work();
    await ledger.addPublished(session, { fence, digest, published, moves: null });
    publishing.onStep?.('applied');
    await session.change(compile(sql`COMMIT`));
    return published;
  } catch (error) {
    session.destroy(); // the server rolls back; the next call dials again
    throw error;
  }
}
/** RENAME TABLE is atomic, but commits by itself. So the ledger says first what will be renamed, and what it came to is told by that table being gone: whoever raises the fence next
 * has ended this connection, and settles it. */
async function byRenames(publishing: Publishing, { visible, moves, renames }: { visible: Published; moves: SqlIdentifier; renames: My }): Promise<Published> {
  const { session, ledger, fence, rows, digest } = publishing;
  await ledger.mustSum(session, rows);
  await ledger.hold(session, fence);
  await ledger.addPublished(session, { fence, digest, published: visible, moves: moves.parts.at(-1)! });
  publishing.onStep?.('half-swap');
  await run(publishing, sql`RENAME TABLE ${renames}`);
  await ledger.settle(session, 'moved');
  return visible;
}
/** Indexes, defaults and what counts by itself come with LIKE; views and grants go by the name. */
async function swap(publishing: Publishing, seen: Published): Promise<Published> {
  const { task, table, rows, tables: { staging, next, old } } = publishing;
  await run(publishing, sql`DROP TABLE IF EXISTS ${next}, ${old}`);
  await run(publishing, sql`CREATE TABLE ${next} LIKE ${table.quoted}`);
  const list = names(task.columns.map(({ target }) => target));
  const moved = await run(publishing, sql`INSERT INTO ${next} (${list}) SELECT ${list} FROM ${staging}`);
  if (moved.rows !== rows) throw mismatch(rows, moved.rows);
  return byRenames(publishing, { visible: seen, moves: next, renames: sql`${table.quoted} TO ${old}, ${next} TO ${table.quoted}` });
}
/** Whether a table may take the place of another: triggers and foreign keys would stay with the old one. */
async function isPlain({ session, table: { database, name } }: Publishing): Promise<boolean> {
  const [row] = await session.run<{ n: number | string }>(compile(sql`SELECT (SELECT count(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${database} AND EVENT_OBJECT_TABLE = ${name})
    + (SELECT count(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ${database} AND ${name} IN (TABLE_NAME, REFERENCED_TABLE_NAME)) AS n`));
  return Number(row?.n) === 0;
}
async function replaceRows(publishing: Publishing, seen: Published): Promise<Published> {
  await run(publishing, sql`DELETE FROM ${publishing.table.quoted}`);
  await insertAll(publishing);
  return seen;
}
async function mustBeEmpty({ session, table }: Publishing): Promise<void> {
  if ((await session.run(compile(sql`SELECT 1 AS there FROM ${table.quoted} LIMIT 1`), table.name)).length > 0) throw new EtlError('plan.stale');
}
async function insertAll(publishing: Publishing): Promise<void> {
  const { task, table, rows, tables: { staging } } = publishing;
  const list = names(task.columns.map(({ target }) => target));
  const moved = await run(publishing, sql`INSERT INTO ${table.quoted} (${list}) SELECT ${list} FROM ${staging}`);
  if (moved.rows !== rows) throw mismatch(rows, moved.rows);
}
/** ON DUPLICATE KEY would change whatever row shares any unique key. So rows are matched by the declared key alone, and another key that is hurt stops the run. */
async function upsert(publishing: Publishing): Promise<Published> {
  const { session, task, table, rows, tables: { staging } } = publishing;
  const key = task.key ?? [];
  if (key.length === 0) throw new EtlError('plan.refused', { rule: 'key.none', explanation: 'an upsert needs its key' });
  const twin = await session.run(compile(sql`SELECT 1 AS twin FROM ${staging} GROUP BY ${names(key)} HAVING count(*) > 1 LIMIT 1`), table.name);
  if (twin.length > 0) throw new EtlError('sink.constraint-violated', { constraint: 'two rows of the source have one key', next: 'choose other key columns, or leave the key out' });
  const same = joinSql(key.map((name) => sql`t.${asName(name)} = s.${asName(name)}`), sql` AND `);
  const columns = task.columns.map(({ target }) => target);
  const others = columns.filter((name) => !key.includes(name));
  if (others.length > 0) await run(publishing, sql`UPDATE ${table.quoted} AS t JOIN ${staging} AS s ON ${same} SET ${joinSql(others.map((name) => sql`t.${asName(name)} = s.${asName(name)}`), comma)}`);
  const { rows: inserted } = await run(publishing, sql`INSERT INTO ${table.quoted} (${names(columns)}) SELECT ${names(columns, sql`s`)} FROM ${staging} AS s LEFT JOIN ${table.quoted} AS t ON ${same} WHERE t.${asName(key[0]!)} IS NULL`);
  return { published: rows, inserted, updated: rows - inserted };
}

/** Bytes that a key of InnoDB may have, and those of a letter. */
const [KEY_BYTES, LETTER_BYTES] = [3_072, 4];
/** A table that becomes the target gets the key of its source. Texts in a key need a length, and are told apart letter by letter as everywhere else. Repeating it does nothing. */
async function finishKey(publishing: Publishing): Promise<void> {
  const { session, task, table, tables: { staging } } = publishing;
  if (!task.keyFromSource || !task.key?.length) return;
  const [keyed] = await session.run(compile(sql`SELECT 1 AS there FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ${table.database} AND TABLE_NAME = ${staging.parts.at(-1)!} AND INDEX_NAME = 'PRIMARY'`));
  if (keyed) return;
  const keyColumns = task.columns.filter(({ target }) => task.key!.includes(target));
  const long = keyColumns.filter(({ targetNative }) => /^LONG(TEXT|BLOB)$/i.test(targetNative));
  const room = Math.floor((KEY_BYTES - 32 * (keyColumns.length - long.length)) / Math.max(1, long.length));
  const [server] = await session.run<{ version: string }>(compile(sql`SELECT version() AS version`));
  const exact = /mariadb/i.test(server?.version ?? '') ? sql`utf8mb4_nopad_bin` : sql`utf8mb4_0900_bin`;
  const shaped = keyColumns.map(({ target, targetNative }): My => {
    if (/^LONGBLOB$/i.test(targetNative)) return sql`MODIFY ${asName(target)} ${typeName('mysql', `VARBINARY(${room})`)} NOT NULL`;
    const isText = /^LONGTEXT$/i.test(targetNative);
    return sql`MODIFY ${asName(target)} ${typeName('mysql', isText ? `VARCHAR(${Math.floor(room / LETTER_BYTES)})` : targetNative)}${isText ? sql` CHARACTER SET utf8mb4 COLLATE ${exact}` : sql``} NOT NULL`;
  });
  await run(publishing, sql`ALTER TABLE ${staging} ${joinSql([...shaped, sql`ADD PRIMARY KEY (${names(task.key)})`], comma)}`);
}
