import { EtlError, type Profile, type SqliteConnection } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { stat } from 'node:fs/promises';
import type { FileGate } from '../file/file-gate.ts';
import { type TableFacts, columnsOf, dependentsOf, describeTable, fingerprintOf, indexesOf, lookAt, requireTable } from './describe-table.ts';
import { SqliteDatabase, databaseFile } from './sqlite-database.ts';
import { type Table, columnName, tableOf } from './table-name.ts';

const sql = sqlFor('sqlite');
/** Counting more rows than this takes longer than looking should. */
const COUNTED = 200_000;
export interface Place { readonly connection: SqliteConnection; readonly gate: FileGate }

/** The file of a connection, for reading. @throws EtlError `source.not-found`, `data.format-invalid`, `file.forbidden` */
export async function openToRead({ connection, gate }: Place, table?: string): Promise<{ database: SqliteDatabase; path: string }> {
  const path = await databaseFile(gate, connection.file);
  if (path === null) throw new EtlError('source.not-found', { connection: connection.name, what: 'database file', name: connection.file, nearest: 'make it first, or change file in the connection' });
  return { path, database: SqliteDatabase.open(path, { connection: connection.name, file: connection.file, action: 'read', table }) };
}

/** Looks at a table: what is declared, and what the rows at both ends really hold. */
export async function profileTable(place: Place, dataset: string, as: 'source' | 'target'): Promise<Profile> {
  const table = tableOf(dataset);
  const missing: Profile = {
    connection: place.connection.name, dataset, connector: 'sqlite', system: 'SQLite', exists: false, columns: [], primaryKey: null, uniqueKeys: [], indexes: [], rows: 0, rowsExact: true, bytes: 0, pages: null,
    walLevel: null, dependents: { views: 0, foreignKeys: 0, policies: 0, grants: 0 }, columnStats: {}, options: {}, fingerprint: fingerprintOf([]),
  };
  if (as === 'target') {
    await place.gate.writable(place.connection.file);
    if (await databaseFile(place.gate, place.connection.file) === null) return missing;
  }
  const { database, path } = await openToRead(place, table.name);
  try {
    const facts = as === 'target' ? describeTable(database, table) : requireTable(database, table, place.connection.name);
    return facts === null ? { ...missing, system: systemOf(database) } : { ...missing, system: systemOf(database), ...observed(database, { table, facts, fileBytes: (await stat(path)).size }) };
  } finally {
    database.close();
  }
}
export const systemOf = (database: SqliteDatabase): string => `SQLite ${database.run<{ version: string }>(compile(sql`SELECT sqlite_version() AS version`))[0]?.version ?? '3'}`;

function observed(database: SqliteDatabase, { table, facts, fileBytes }: { table: Table; facts: TableFacts; fileBytes: number }): Partial<Profile> {
  const looked = lookAt(database, table, facts);
  const { rows, isExact } = rowsOf(database, table, facts);
  const indexes = indexesOf(database, table, facts);
  const bytes = looked.rows === 0 ? 0 : Math.min(fileBytes, Math.round(rows * (looked.bytes / looked.rows + 2 * facts.columns.length)));
  return {
    exists: true, columns: columnsOf(facts, looked.seen), rows, rowsExact: isExact, bytes, primaryKey: facts.primaryKey, uniqueKeys: indexes.filter(({ isSure }) => isSure).map(({ columns }) => columns),
    indexes: [...(facts.primaryKey ? [facts.primaryKey] : []), ...indexes.map(({ columns }) => columns)], dependents: dependentsOf(database, table), fingerprint: fingerprintOf(facts.columns),
    ...(facts.rowid === null ? {} : { range: facts.rowid }),
  };
}
/** Counts a table that is counted quickly; of a larger one the rowids tell how many rows there may be. */
function rowsOf(database: SqliteDatabase, { quoted }: Table, { rowid }: TableFacts): { rows: number; isExact: boolean } {
  const [counted] = database.run<{ n: number }>(compile(sql`SELECT count(*) AS n FROM (SELECT 1 FROM main.${quoted} LIMIT ${COUNTED + 1})`));
  const rows = counted?.n ?? 0;
  if (rows <= COUNTED || rowid === null) return { rows, isExact: rows <= COUNTED };
  const id = columnName(rowid);
  const [span] = database.run<{ n: number }>(compile(sql`SELECT CAST((SELECT max(${id}) FROM main.${quoted}) AS REAL) - (SELECT min(${id}) FROM main.${quoted}) + 1 AS n`));
  return { rows: Math.min(Number.MAX_SAFE_INTEGER, Math.round(span?.n ?? rows)), isExact: false };
}
