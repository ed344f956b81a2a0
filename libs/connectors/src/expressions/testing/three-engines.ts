import type { ColumnType } from '@agent-etl/contracts';
import { DuckChild, type QueryEngine, type SparkSession, openSpark } from '@agent-etl/engines';
import { sparkAt } from '@agent-etl/engines/testing';
import { type ExprDialect, type SqlFragment, compile, postgresDigest, rowDigest, sparkDigest, sqlFor } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresSession } from '../../postgres/postgres-session.ts';
import { PostgresEngine } from '../../postgres/testing/postgres-engine.ts';
import { aDatabase, connectionTo, testTools } from '../../postgres/testing/postgres-harness.ts';

/** Rows c0, c1, … of some types, as each engine is asked for them. */
export interface Rows { readonly types: readonly ColumnType[]; readonly made: <D extends ExprDialect>(dialect: D) => SqlFragment<D> }
/** What an engine says: count and lanes of the one digest, `failed`, or `no form`. */
export type Answer = string;
const NO_FORM = 'no form';
export const isFailed = (answer: Answer): boolean => answer.startsWith('failed');

/** Count and lanes of rows, by the one digest of all engines. */
function digested<D extends ExprDialect>(dialect: D, { types, made }: Rows): SqlFragment<D> {
  const columns = types.map((type, index) => ({ name: `c${index}`, type }));
  const sql = sqlFor(dialect);
  const from = sql`(${made(dialect)}) AS made` as unknown;
  if (dialect === 'spark') return sparkDigest(columns, 'k', from as SqlFragment<'spark'>) as unknown as SqlFragment<D>;
  if (dialect === 'postgres') return postgresDigest(columns, 'k', { from: from as SqlFragment<'postgres'>, encoding: 'utf8' }) as unknown as SqlFragment<D>;
  return sql`SELECT ${rowDigest('duckdb', columns, 'k') as unknown as SqlFragment<D>} FROM ${from as SqlFragment<D>}`;
}

/** DuckDB, a PostgreSQL and the Spark of the tests. */
export class ThreeEngines {
  readonly duckdb: DuckChild;
  readonly spark: SparkSession;
  readonly postgres: QueryEngine<'postgres'>;
  /** eager: some engines fail where others answer · beside: PostgreSQL has no form for an expression, and the others agree alone. */
  readonly count = { answered: 0, failed: 0, eager: 0, beside: 0, withoutForm: 0 };
  readonly differ: unknown[] = [];
  private readonly ends: (() => Promise<unknown>)[];
  private constructor({ duckdb, spark, postgres }: Pick<ThreeEngines, 'duckdb' | 'spark' | 'postgres'>, ends: (() => Promise<unknown>)[]) {
    this.duckdb = duckdb;
    this.spark = spark;
    this.postgres = postgres;
    this.ends = ends;
  }
  /** @param file name of a Parquet file that DuckDB may write and Spark read */
  static async open(adminUrl: string, { database, file }: { readonly database: string; readonly file: string }): Promise<{ readonly engines: ThreeEngines; readonly path: string }> {
    const scratch = await mkdtemp(join(tmpdir(), 'three-engines-'));
    const path = join(scratch, file);
    const drop = await aDatabase(adminUrl, database);
    const session = await PostgresSession.connect(connectionTo(adminUrl, database), { tools: testTools('three engines') });
    const duckdb = await DuckChild.start({ about: 'chains', scratch, files: [path] });
    const spark = await openSpark({ ...sparkAt(), silenceMs: 90_000 });
    const ends = [() => spark.stop(), () => session.end(), () => duckdb.stop(), drop, () => rm(scratch, { recursive: true })];
    return { path, engines: new ThreeEngines({ duckdb, spark, postgres: new PostgresEngine(session) }, ends) };
  }
  async close(): Promise<void> { for (const end of this.ends) await end(); }

  async told<D extends ExprDialect>(engine: QueryEngine<D>, rows: Rows): Promise<Answer> {
    try {
      const [row] = await engine.query(compile(digested(engine.dialect, rows)));
      return [row?.['n'], row?.['a'], row?.['b']].join(':');
    } catch (error) {
      const { code, cause, message } = error as { code?: string; cause?: Error; message: string };
      if (code === undefined) throw error; // what an engine refuses has a code; anything else is a mistake of ours
      if (code === 'sql.rejected') return NO_FORM;
      return process.env['ETL_TEST_SAY'] ? `failed ${code} ${cause?.message.slice(0, 300) ?? message}` : 'failed';
    }
  }
  /** Asks all three and counts what they say. @returns whether all answered */
  async compare(rows: Rows, about: unknown): Promise<boolean> {
    const [duckdb, postgres, spark] = await Promise.all([this.told(this.duckdb, rows), this.told(this.postgres, rows), this.told(this.spark, rows)]);
    const answers = postgres === NO_FORM ? [duckdb, spark] : [duckdb, postgres, spark];
    const given = answers.filter((answer) => !isFailed(answer));
    const kind = answers.includes(NO_FORM) ? 'withoutForm' : !given.length ? 'failed' : given.length < answers.length ? 'eager' : answers.length < 3 ? 'beside' : 'answered';
    this.count[kind] += 1;
    if (kind === 'eager' && process.env['ETL_TEST_SAY']) process.stdout.write(`${JSON.stringify([answers, about])}\n`);
    if (kind !== 'withoutForm' && new Set(given).size > 1) this.differ.push({ about: JSON.stringify(about), answers });
    return kind === 'answered';
  }
  /** Whether Spark, asked for something else, answers otherwise than DuckDB: null where one of them fails. */
  async tells(right: Rows, wrong: Rows): Promise<boolean | null> {
    const answers = await Promise.all([this.told(this.duckdb, right), this.told(this.spark, wrong)]);
    return answers.some((answer) => isFailed(answer) || answer === NO_FORM) ? null : answers[0] !== answers[1];
  }
  get sums(): string { return `${this.count.answered} answered by all, ${this.count.beside} by DuckDB and Spark alone, ${this.count.failed} failed in all, ${this.count.eager} failed in some, ${this.count.withoutForm} without a form on Spark or DuckDB, ${this.differ.length} differ`; }
}
