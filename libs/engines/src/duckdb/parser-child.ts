import { EtlError } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { DuckChild } from './duck-child.ts';

const sql = sqlFor('duckdb');
const PARSE_MS = 250;
const MEMORY_BYTES = 128 * 1024 * 1024;

/** DuckDB's own parser in a locked child that holds no data: nothing that it reads is ever run. A child that takes too long or dies is replaced. */
export class ParserChild {
  private child: Promise<DuckChild> | null = null;
  /** A child answers one statement after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly scratch: string;
  private readonly about: string;
  constructor(scratch: string, about: string) {
    this.scratch = scratch;
    this.about = about;
  }

  /** @returns what the serialiser says of a text, as JSON
   * @throws EtlError `sql.parser-lost` when the parser died or did not answer in time */
  tree(text: string): Promise<string> {
    const turn = this.turn.then(() => this.ask(text));
    this.turn = turn.catch(() => undefined);
    return turn;
  }
  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    await (await child?.catch(() => null))?.stop();
  }

  private async ask(text: string): Promise<string> {
    try {
      const child = await (this.child ??= DuckChild.start({ about: this.about, scratch: this.scratch, threads: 1, memoryBytes: MEMORY_BYTES }));
      const [row] = await child.query(compile(sql`SELECT json_serialize_sql(CAST(${text} AS VARCHAR)) AS tree`), AbortSignal.timeout(PARSE_MS));
      // An interrupt that comes late ends a statement without rows, and without an error.
      if (typeof row?.['tree'] !== 'string') throw new TypeError('the parser gave no tree');
      return row['tree'];
    } catch (cause) {
      await this.stop();
      throw new EtlError('sql.parser-lost', {}, { cause });
    }
  }
}
