import { createHash } from 'node:crypto';
import { type Column, EtlError, canonicalJson, didYouMean } from '@agent-etl/contracts';
import { type SqlIdentifier, SqlSafetyError, compile, identifier, sqlFor } from '@agent-etl/sql-safety';
import type { MysqlSession } from './mysql-session.ts';
import { typeOfMysql } from './mysql-types-rules.ts';

const sql = sqlFor('mysql');
/** Of a value on disk, about: statistics may count the rows of a table long before they count its bytes. */
const LEAST_BYTES = 4;
export interface MysqlTable { readonly database: string; readonly name: string; readonly quoted: SqlIdentifier }
export interface MysqlFacts {
  readonly columns: readonly Column[]; readonly primaryKey: string[] | null; readonly indexes: readonly { readonly columns: string[]; readonly isSure: boolean }[];
  /** The one column of a primary key of whole numbers. */
  readonly range: string | null; readonly rows: number; readonly bytes: number; readonly version: string; readonly isView: boolean;
}
export const asName = (...parts: readonly string[]): SqlIdentifier => {
  try { return identifier(...parts); } catch (cause) {
    if (cause instanceof SqlSafetyError) throw new EtlError('request.invalid', { pointer: parts.join('.').slice(0, 80), problem: cause.message }, { cause });
    throw cause;
  }
};
/** `table`, or `database.table` of the same server. @throws EtlError `request.invalid` */
export function mysqlTable(dataset: string, database: string): MysqlTable {
  const PART = /^(?:(?:"([^"]+)"|([^".]+))\.)?(?:"([^"]+)"|([^".]+))$/.exec(dataset);
  const name = PART?.[3] ?? PART?.[4];
  if (name === undefined) throw new EtlError('request.invalid', { pointer: dataset, problem: 'is no table', next: 'write table or database.table; a name with a dot in it goes in double quotes' });
  const schema = PART?.[1] ?? PART?.[2] ?? database;
  return { database: schema, name, quoted: asName(schema, name) };
}
interface ColumnRow { readonly name: string; readonly native: string; readonly nullable: string; readonly fallback: string | null; readonly extra: string }

/** Shape and statistics of a table or view. @throws EtlError `source.not-found` with the nearest names, `request.unsupported` for a storage engine without snapshots */
export async function describeMysql(session: MysqlSession, table: MysqlTable): Promise<MysqlFacts> {
  const facts = await findMysql(session, table);
  if (facts) return facts;
  throw await notFound(session, table.database, table.name);
}
/** The same, or null where there is none. */
export async function findMysql(session: MysqlSession, { database, name }: MysqlTable): Promise<MysqlFacts | null> {
  const [table] = await session.run<{ engine: string | null; kind: string; n: string | null; bytes: string | null; version: string }>(compile(sql`
    SELECT ENGINE AS engine, TABLE_TYPE AS kind, TABLE_ROWS AS n, DATA_LENGTH AS bytes, version() AS version FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${database} AND TABLE_NAME = ${name}`));
  if (!table) return null;
  if (table.kind !== 'VIEW' && table.engine !== 'InnoDB') throw new EtlError('request.unsupported', { found: `${name}, a table of the engine ${table.engine ?? 'none'} without snapshots`, allowed: 'an InnoDB table' });
  const rows = await session.run<ColumnRow>(compile(sql`SELECT COLUMN_NAME AS name, COLUMN_TYPE AS native, IS_NULLABLE AS nullable, COLUMN_DEFAULT AS fallback, EXTRA AS extra
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${database} AND TABLE_NAME = ${name} ORDER BY ORDINAL_POSITION`));
  const columns = rows.map(({ name: column, native, nullable, fallback, extra }): Column => ({
    name: column, native, type: typeOfMysql(native), nullable: nullable === 'YES',
    ...(/GENERATED|VIRTUAL|STORED|PERSISTENT/i.test(extra) && !/DEFAULT_GENERATED/.test(extra) ? { filled: 'always' as const } : fallback !== null || /auto_increment/i.test(extra) ? { filled: 'default' as const } : {}),
  }));
  const keys = await session.run<{ key_name: string; column_name: string | null; non_unique: number | string }>(compile(sql`SELECT INDEX_NAME AS key_name, COLUMN_NAME AS column_name, NON_UNIQUE AS non_unique
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ${database} AND TABLE_NAME = ${name} ORDER BY INDEX_NAME, SEQ_IN_INDEX`));
  const groups = [...Map.groupBy(keys, ({ key_name }) => key_name)].filter(([, parts]) => parts.every(({ column_name }) => column_name !== null)).map(([key, parts]) => ({ key, isUnique: Number(parts[0]?.non_unique) === 0, columns: parts.map(({ column_name }) => column_name ?? '') }));
  const primary = groups.find(({ key }) => key === 'PRIMARY')?.columns ?? null;
  const single = primary?.length === 1 ? columns.find(({ name: column }) => column === primary[0]) : undefined;
  return {
    columns, primaryKey: primary, version: table.version, isView: table.kind === 'VIEW', rows: Number(table.n ?? 0), bytes: Math.max(Number(table.bytes ?? 0), Number(table.n ?? 0) * columns.length * LEAST_BYTES), range: single && /^(tiny|small|medium|big)?int\b/.test(single.native) ? single.name : null,
    indexes: groups.map((group) => ({ columns: group.columns, isSure: group.key !== 'PRIMARY' && group.isUnique && group.columns.every((each) => columns.find((column) => column.name === each)?.nullable === false) })),
  };
}
async function notFound(session: MysqlSession, database: string, name: string): Promise<EtlError> {
  const { connection } = session.context;
  const rows = await session.run<{ name: string }>(compile(sql`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${database} LIMIT 5000`));
  return new EtlError('source.not-found', { connection, what: 'table', name: `${database}.${name}`, nearest: didYouMean(name, rows.map((row) => row.name)) ?? `agent-etl datasets ${connection}` });
}
export const fingerprintOf = (columns: readonly Column[]): string =>
  createHash('sha256').update(canonicalJson(columns.map(({ name, native, nullable }) => [name, native, nullable]))).digest('hex');
