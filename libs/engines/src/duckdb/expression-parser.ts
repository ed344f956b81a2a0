import { EtlError, type Expr } from '@agent-etl/contracts';
import { type Checked, checked, compile, expressionQuery, lowerExpression, sqlFor } from '@agent-etl/sql-safety';
import { DuckChild } from './duck-child.ts';

const sql = sqlFor('duckdb');
const PARSE_MS = 250;
const MEMORY_BYTES = 128 * 1024 * 1024;

/** Reads expressions with DuckDB's own parser in a locked child that holds no data: nothing that is read is ever run. A child that takes too long or dies is replaced.
 * @property scratch private folder of the caller, absolute */
export class ExpressionParser {
  private child: Promise<DuckChild> | null = null;
  /** A child answers one statement after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly scratch: string;
  constructor(scratch: string) { this.scratch = scratch; }

  /** @param path where the text stands, as a JSON pointer
   * @returns the expression, or what is wrong with the text
   * @throws EtlError `sql.parser-lost` when the parser died or did not answer in time */
  async parse(text: string, path: string): Promise<Checked<Expr>> {
    const query = checked(path, () => expressionQuery(text));
    if (!query.ok) return query;
    const turn = this.turn.then(() => this.treeOf(query.value));
    this.turn = turn.catch(() => undefined);
    const tree = await turn;
    return checked(path, () => lowerExpression(tree));
  }
  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    await (await child?.catch(() => null))?.stop();
  }

  private async treeOf(query: string): Promise<string> {
    try {
      const child = await (this.child ??= DuckChild.start({ about: 'an expression', scratch: this.scratch, threads: 1, memoryBytes: MEMORY_BYTES }));
      const [row] = await child.query(compile(sql`SELECT json_serialize_sql(CAST(${query} AS VARCHAR)) AS tree`), AbortSignal.timeout(PARSE_MS));
      return String(row?.['tree']);
    } catch (error) {
      await this.stop();
      throw lost(error);
    }
  }
}
const lost = (cause: unknown): Error => new EtlError('sql.parser-lost', {}, { cause });
