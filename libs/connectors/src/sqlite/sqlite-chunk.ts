import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ColumnMapping, EtlError } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { CsvRows } from '../csv-rows.ts';
import type { ByteTarget, ChunkCounts, ChunkRange, ChunkWriter, ReadCount } from '../port.ts';
import { type Bound, boundValue } from './cell-value-rules.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import type { SqliteLedger } from './sqlite-ledger.ts';
import type { SqliteQuarantine } from './sqlite-quarantine.ts';

const sql = sqlFor('sqlite');
export interface PieceSetting {
  /** A connection of this piece alone. */
  readonly database: SqliteDatabase;
  readonly ledger: SqliteLedger; readonly quarantine: SqliteQuarantine;
  /** Whose rows are set aside; null where none are. */
  readonly pipeline: string | null; readonly fence: number; readonly staging: SqlIdentifier; readonly scratch: string;
  readonly columns: readonly ColumnMapping[];
  /** Names and types of staging. */
  readonly shape: SqlFragment<'sqlite'>;
}

/** One piece. Its rows gather in a file of its own, so that the target is locked only for the moment in which fence, rows and ledger row go in together. */
export class SqliteChunk implements ChunkWriter {
  readonly to: ByteTarget;
  #rows = 0;
  #refusal: unknown = undefined;
  private readonly reader: CsvRows;
  private constructor(private readonly range: ChunkRange, private readonly setting: PieceSetting, private readonly path: string) {
    const insert = this.#inserter();
    this.reader = new CsvRows((cells) => {
      this.#rows += 1;
      insert(cells);
    });
    this.to = { write: (bytes) => this.#write(bytes), drained: async () => { if (this.#refusal !== undefined) throw this.#refusal; } };
  }
  /** Takes nothing more after a refusal, which whoever reads hears as soon as it waits. */
  #write(bytes: Uint8Array): boolean {
    try {
      if (this.#refusal === undefined) this.reader.push(bytes);
    } catch (error) {
      this.#refusal = this.setting.database.failure(error);
    }
    return this.#refusal === undefined;
  }

  static begin(range: ChunkRange, setting: PieceSetting): SqliteChunk | 'done' {
    const { database, ledger, fence, scratch, shape } = setting;
    ledger.hold(database, fence);
    if (ledger.has(database, range.key)) { database.close(); return 'done'; }
    const path = join(scratch, `piece-${randomUUID()}.db`);
    database.run(compile(sql`ATTACH ${path} AS piece`));
    database.run(compile(sql`PRAGMA piece.journal_mode = OFF`));
    database.run(compile(sql`PRAGMA piece.synchronous = OFF`));
    database.run(compile(sql`CREATE TABLE piece.rows (${shape})`));
    database.run(compile(sql`BEGIN`));
    return new SqliteChunk(range, setting, path);
  }
  #inserter(): (cells: readonly (string | null)[]) => void {
    const { columns, database } = this.setting;
    const insert = database.inserter(compile(sql`INSERT INTO piece.rows VALUES (${joinSql(columns.map(() => sql`${null}`), sql`, `)})`));
    const values: Bound[] = columns.map(() => null);
    return (cells) => {
      if (cells.length !== columns.length) throw new Error(`the text carrier has ${cells.length} cells in a row of ${columns.length}`);
      for (const [index, column] of columns.entries()) {
        const cell = cells[index] ?? null;
        const value = cell === null ? null : boundValue(cell, column.type);
        if (value === undefined) throw this.#refused(column, cell ?? '');
        values[index] = value;
      }
      insert(values);
    };
  }
  #refused({ target: column, targetNative: type }: ColumnMapping, value: string): EtlError {
    return new EtlError('data.value-out-of-range', { column, type }, { cell: { row: this.#rows, column, value: value.slice(0, 200), target: type } });
  }
  #tried<T>(work: () => T): T {
    try { return work(); } catch (error) { throw this.setting.database.failure(error); }
  }
  copyFile(): Promise<ReadCount> { throw new Error('a SQLite sink takes text'); }

  async commit(counts: ChunkCounts): Promise<'written' | 'redo'> {
    const { database, ledger, quarantine, pipeline, fence, staging } = this.setting;
    try {
      if (this.#refusal !== undefined) throw this.#refusal;
      this.#tried(() => { this.reader.end(); });
      if (this.#rows !== counts.rows - counts.rejected) throw new EtlError('sink.reconcile-mismatch', { difference: `${counts.rows} rows were read, the target took ${this.#rows}` });
      const isAside = await this.#gather(counts);
      database.run(compile(sql`COMMIT`));
      database.inTransaction(() => {
        ledger.hold(database, fence);
        if (!ledger.add(database, { chunkKey: this.range.key, fence, counts })) throw new EtlError('lease.lost');
        database.run(compile(sql`INSERT INTO main.${staging} SELECT * FROM piece.rows`));
        if (isAside && pipeline !== null) quarantine.take(database, { pipeline, chunkKey: this.range.key });
      });
      return 'written';
    } finally {
      await this.#end();
    }
  }
  async #gather({ aside, rejected }: ChunkCounts): Promise<boolean> {
    const { database, quarantine } = this.setting;
    let gathered = 0;
    for await (const batch of aside?.batches() ?? []) {
      quarantine.gather(database, batch);
      gathered += batch.length;
    }
    if (gathered !== rejected) throw new EtlError('sink.reconcile-mismatch', { difference: `${rejected} rows are rejected, ${gathered} would be in quarantine` });
    return gathered > 0;
  }
  async abort(): Promise<void> { await this.#end(); }
  async #end(): Promise<void> {
    this.setting.database.rollback();
    this.setting.database.close();
    await rm(this.path, { force: true });
  }
}
export const stagingName = (digest: string): SqlIdentifier => identifier(`_etl_s_${digest.slice(0, 32)}`);
