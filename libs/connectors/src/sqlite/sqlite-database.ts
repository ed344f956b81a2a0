import { EtlError } from '@agent-etl/contracts';
import { type SafeSql, compile, isSafeSql, sqlFor } from '@agent-etl/sql-safety';
import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { folderFailure } from '../file/file-folder.ts';
import type { FileGate } from '../file/file-gate.ts';
import { daysText, isCalendarText, microsText, spelledCalendar } from './calendar-text-rules.ts';
import { exactDoubleText } from './exact-double-rules.ts';
import { type FailureContext, sqliteFailure } from './sqlite-failure.ts';

const sql = sqlFor('sqlite');
const BUSY_MS = 5_000;
const MAGIC = 'SQLite format 3\0';
export type Access = 'read' | 'write';
type Cell = string | number | bigint | Uint8Array | null;

/** A file that begins as SQLite 3 does, or null when nothing is there. @throws EtlError `data.format-invalid`, `file.forbidden` */
export async function databaseFile(gate: FileGate, file: string): Promise<string | null> {
  const path = await gate.existing(file);
  if (path === null) return null;
  try {
    const handle = await open(path, 'r');
    try {
      const head = Buffer.alloc(MAGIC.length);
      const { bytesRead } = await handle.read(head, 0, head.length, 0);
      if (bytesRead === 0) return null; // what SQLite makes before its first table
      if (head.toString('latin1') !== MAGIC) throw new EtlError('data.format-invalid', { file, format: 'SQLite 3', place: 'its first bytes', problem: 'it does not begin with SQLite format 3' });
      return path;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw folderFailure(error, { connection: gate.connection, dataset: file, action: 'read' });
  }
}

/** One connection to a file. Calls are synchronous: what takes long is done in steps, with a breath between them, by whoever calls. */
export class SqliteDatabase {
  readonly #db: DatabaseSync;
  private constructor(db: DatabaseSync, private readonly context: FailureContext) { this.#db = db; }

  /** Extensions, text in double quotes and functions called from the file's own schema are off: the file may be hostile. */
  static open(path: string, context: FailureContext): SqliteDatabase {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(path, { readOnly: context.action === 'read', timeout: BUSY_MS, enableDoubleQuotedStringLiterals: false, enableForeignKeyConstraints: true, allowExtension: false });
      db.enableDefensive(true);
      const database = new SqliteDatabase(db, context);
      database.run(compile(sql`PRAGMA trusted_schema = OFF`));
      addFunctions(db);
      return database;
    } catch (error) {
      db?.close();
      throw sqliteFailure(error, context);
    }
  }
  /** Runs a statement of ours and answers its rows as objects: for catalogues and ledgers. */
  run<T = Record<string, Cell>>(statement: SafeSql<'sqlite'>): T[] {
    return this.#tried(() => this.#prepared(statement).all(...bound(statement)) as T[]);
  }
  /** One row after the other as an array, none of them kept. */
  *rows(statement: SafeSql<'sqlite'>): Generator<Cell[], void, undefined> {
    try {
      const prepared = this.#prepared(statement);
      prepared.setReturnArrays(true);
      yield* prepared.iterate(...bound(statement)) as unknown as Iterable<Cell[]>;
    } catch (error) {
      throw sqliteFailure(error, this.context);
    }
  }
  /** A statement that is run once per row. */
  inserter(statement: SafeSql<'sqlite'>): (values: readonly Cell[]) => void {
    const prepared = this.#tried(() => this.#prepared(statement));
    return (values) => { prepared.run(...values); };
  }
  /** Runs work in one transaction that waits for other writers at its start, and for nobody after. */
  inTransaction<T>(work: () => T): T {
    this.run(compile(sql`BEGIN IMMEDIATE`));
    try {
      const answer = work();
      this.run(compile(sql`COMMIT`));
      return answer;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }
  rollback(): void {
    if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }
  failure(error: unknown, table?: string): unknown { return sqliteFailure(error, { ...this.context, table }); }
  close(): void { if (this.#db.isOpen) this.#db.close(); }

  #prepared(statement: SafeSql<'sqlite'>): StatementSync {
    if (!isSafeSql(statement)) throw new Error('only a compiled statement is run');
    return this.#db.prepare(statement.text);
  }
  #tried<T>(work: () => T): T {
    try { return work(); } catch (error) { throw sqliteFailure(error, this.context); }
  }
}
/** SQLite binds no booleans. */
const bound = ({ params }: SafeSql<'sqlite'>): Cell[] => params.map((value) => (typeof value === 'boolean' ? Number(value) : value));

function addFunctions(db: DatabaseSync): void {
  const own = { deterministic: true, directOnly: true };
  const kinds = ['date', 'time', 'ts', 'tstz'] as const;
  db.function('etl_double', own, (value) => exactDoubleText(Number(value)));
  db.function('etl_number', own, (value) => String(value));
  db.function('etl_days', own, (text) => daysText(String(text)));
  db.function('etl_micros', own, (text) => microsText(String(text)));
  db.function('etl_is', own, (kind, text) => { const known = kinds.find((each) => each === kind); return known && isCalendarText(known, String(text)) ? 1 : 0; });
  db.function('etl_spell', own, (kind, text) => { const known = kinds.find((each) => each === kind); return known ? spelledCalendar(known, String(text)) : null; });
  db.function('etl_bucket', own, (key) => Number.parseInt(hash('md5', key as Uint8Array, 'hex').slice(0, 3), 16));
  db.function('etl_refuse', { directOnly: true }, (row, column, value, target) => { throw refusedValue({ row: Number(row), column: String(column), value: String(value), target: String(target) }); });
}
/** A stored value that does not fit the type that travels. @property row rowid, NaN where the table has none */
export function refusedValue({ row, column, value, target }: { row: number; column: string; value: string; target: string }): EtlError {
  return new EtlError('data.value-out-of-range', { column, type: target, row, next: 'mend the value at the source, or leave the column out with select' },
    { cell: { row: Number.isSafeInteger(row) ? row : null, column, value: value.slice(0, 200), target } });
}
