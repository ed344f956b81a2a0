import { type ColumnMapping, EtlError } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import type { ByteTarget, ChunkCounts, ChunkRange, ChunkWriter, ReadCount } from '../port.ts';
import { respellOf } from './infile-cells-rules.ts';
import { InfileStream } from './infile-stream.ts';
import { InfileText, type Place, RefusedCell } from './infile-text-rules.ts';
import type { MysqlLedger } from './mysql-ledger.ts';
import type { Changed, MysqlSession } from './mysql-session.ts';
import { asName } from './mysql-table.ts';

const sql = sqlFor('mysql');
/** How long a commit, and then the question what came of it, may still be answered once the attempt has to stop: a line that went silent answers never. */
const PATIENCE_MS = 2_000;
type My = SqlFragment<'mysql'>;
export interface PieceSetting {
  readonly session: MysqlSession; readonly signal: AbortSignal | undefined; readonly ledger: MysqlLedger; readonly fence: number; readonly staging: SqlIdentifier; readonly table: string; readonly columns: readonly ColumnMapping[];
  /** Cells to look at while a piece comes once more, by the key of the piece. */
  readonly lookFor: Map<string, Place>;
  /** Takes the connection back after a commit. */
  release(session: MysqlSession): void;
  /** Opens another connection, to ask the ledger after a lost answer. @param cut cuts it */
  another(cut: AbortSignal): Promise<MysqlSession>;
}

/** The statement that reads a piece. What LOAD DATA would misread goes through a variable. */
export function loadStatement(staging: SqlIdentifier, columns: readonly ColumnMapping[]): My {
  const isTurned = ({ type, targetNative }: ColumnMapping): boolean => type.kind === 'bytes' || /^bit/i.test(targetNative);
  const names = columns.map((column, index) => (isTurned(column) ? sql`@${identifier(`c${index}`)}` : sql`${asName(column.target)}`));
  const turned = columns.flatMap((column, index) => (!isTurned(column) ? []
    : [sql`${asName(column.target)} = ${column.type.kind === 'bytes' ? sql`unhex(substring(@${identifier(`c${index}`)}, 3))` : sql`CAST(@${identifier(`c${index}`)} AS UNSIGNED)`}`]));
  return sql`LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${staging} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\n' (${joinSql(names, sql`, `)})${
    turned.length > 0 ? sql` SET ${joinSql(turned, sql`, `)}` : sql``}`;
}

/** Work that goes on for a while once an attempt has to stop, and is cut then. */
async function patiently<T>(signal: AbortSignal | undefined, cut: () => void, work: () => Promise<T>): Promise<T> {
  let cutting: NodeJS.Timeout | undefined;
  const giveUp = (): void => { cutting = setTimeout(cut, PATIENCE_MS); };
  if (signal?.aborted) giveUp(); else signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await work();
  } finally {
    signal?.removeEventListener('abort', giveUp);
    clearTimeout(cutting);
  }
}

/** One piece in one transaction: ledger row, data, fence. LOAD DATA is running when this exists. */
export class MysqlChunk implements ChunkWriter {
  readonly to: ByteTarget;
  readonly #stream = new InfileStream();
  readonly #text: InfileText;
  readonly #loading: Promise<Changed>;
  readonly #failed: Promise<never>;
  #refusal: unknown = undefined;
  private constructor(private readonly range: ChunkRange, private readonly setting: PieceSetting) {
    const { session, staging, table, columns, lookFor } = setting;
    this.#text = new InfileText(columns.map(respellOf), lookFor.get(range.key) ?? null);
    this.#loading = session.load(compile(loadStatement(staging, columns)), { table, stream: this.#stream, asked: () => { this.#stream.asked(); } });
    this.#failed = new Promise((_, fail) => { this.#loading.catch(fail); });
    this.#failed.catch(() => undefined); // whoever writes or commits hears of it
    this.to = { write: (bytes) => this.#write(bytes), drained: () => this.#drained() };
  }
  static async begin(range: ChunkRange, setting: PieceSetting): Promise<MysqlChunk | 'done'> {
    const { session, ledger, fence, signal } = setting;
    const giveUp = (): void => { session.destroy(signal?.reason); }; // nothing of it is committed
    if (signal?.aborted) giveUp(); else signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await ledger.hold(session, fence);
      await session.change(compile(sql`START TRANSACTION`));
      if (await ledger.claim(session, range.key, fence)) return new MysqlChunk(range, setting);
      await session.change(compile(sql`ROLLBACK`));
      setting.release(session);
      return 'done';
    } catch (error) {
      session.destroy();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }
  copyFile(): Promise<ReadCount> { throw new Error('a MySQL sink takes text'); }

  #write(bytes: Uint8Array): boolean {
    if (this.#refusal !== undefined) return false;
    try {
      return this.#stream.send(this.#text.push(bytes));
    } catch (error) {
      this.#refusal = this.#named(error);
      return false;
    }
  }
  async #drained(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    await Promise.race([this.#stream.drained(), this.#failed]);
  }
  #named(error: unknown): unknown {
    return error instanceof RefusedCell ? this.#misfit(error.place, error.value) : error;
  }
  #misfit({ row, column }: Place, value: string): EtlError {
    const { target, targetNative } = this.setting.columns[column]!;
    return new EtlError('data.value-out-of-range', { column: target, type: targetNative }, { cell: { row, column: target, value: value.slice(0, 200), target: targetNative } });
  }

  async commit(counts: ChunkCounts, signal?: AbortSignal): Promise<'written' | 'redo'> {
    const came = await patiently(signal, () => { this.setting.session.destroy(); }, () => this.#commit(counts));
    if (came !== 'unanswered') return came;
    const cut = new AbortController();
    return patiently(signal, () => { cut.abort(); }, () => this.#ask(cut.signal));
  }
  async #commit(counts: ChunkCounts): Promise<'written' | 'redo' | 'unanswered'> {
    const { session, ledger, fence } = this.setting;
    try {
      if (this.#refusal !== undefined) throw this.#refusal;
      this.#text.end();
      await Promise.race([this.#stream.end(), this.#failed]);
      const { rows, warnings } = await this.#loading;
      if (warnings > 0 && await this.#mustLookAgain()) { session.destroy(); return 'redo'; }
      if (rows !== counts.rows - counts.rejected) throw new EtlError('sink.reconcile-mismatch', { difference: `${counts.rows} rows were read, the target took ${rows}` });
      await ledger.hold(session, fence);
      await ledger.fill(session, this.range.key, counts);
    } catch (error) {
      session.destroy();
      throw error;
    }
    return this.#end();
  }
  async #end(): Promise<'written' | 'unanswered'> {
    const { session, release } = this.setting;
    try {
      await session.change(compile(sql`COMMIT`));
      release(session);
      return 'written';
    } catch (error) {
      session.destroy();
      if (!(error instanceof EtlError) || error.code !== 'connection.interrupted') throw error;
      return 'unanswered';
    }
  }
  /** Whether a commit was done whose answer was lost. */
  async #ask(cut: AbortSignal): Promise<'written' | 'redo'> {
    const { ledger, another } = this.setting;
    const asked = await another(cut);
    try { return await ledger.has(asked, this.range.key) ? 'written' : 'redo'; } finally { await asked.end(); }
  }
  /** LOAD DATA LOCAL takes what does not fit and warns. The warning has row and column, but not always the value: the piece is asked for once more, and the cell looked at as it passes.
   * @throws EtlError `data.value-out-of-range`, `sink.constraint-violated` */
  async #mustLookAgain(): Promise<boolean> {
    const { session, columns, lookFor } = this.setting;
    const [warning] = await session.run<{ Message: string }>(compile(sql`SHOW WARNINGS LIMIT 1`));
    const said = warning?.Message ?? '';
    const row = Number(/ at row (\d+)$/.exec(said)?.[1] ?? 0);
    const column = columns.findIndex(({ target }) => said.includes(`'${target}' at row `) || said.includes(`\`${target.replaceAll('`', '``')}\` at row `));
    if (row === 0 || column < 0) throw new EtlError('sink.constraint-violated', { constraint: 'the server warned of a row', next: 'look at types and constraints of the target' }, { cause: new Error(said) });
    if (/NULL supplied to NOT NULL/.test(said)) throw new EtlError('sink.constraint-violated', { constraint: `column ${columns[column]!.target} may not be NULL, and row ${row} has none`, next: 'give it a value at the source, or allow NULL at the target' });
    const looked = lookFor.get(this.range.key);
    if (!looked) { lookFor.set(this.range.key, { row, column }); return true; }
    const isSame = looked.row === row && looked.column === column; // a source may send its rows in another order
    throw this.#misfit({ row, column }, isSame ? this.#text.seen ?? '' : '');
  }
  async abort(): Promise<void> { this.setting.session.destroy(); }
}
