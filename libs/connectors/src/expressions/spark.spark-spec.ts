import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType, Stage } from '@agent-etl/contracts';
import { DuckChild, type QueryEngine, SparkSession } from '@agent-etl/engines';
import { describeSpark, sparkAt } from '@agent-etl/engines/testing';
import { type ExprDialect, type SqlFragment, compile, identifier, joinSql, literal, nativeOf, postgresDigest, printTransform, rowDigest, sparkDigest, sqlFor, typeName } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresSession } from '../postgres/postgres-session.ts';
import { PostgresEngine } from '../postgres/testing/postgres-engine.ts';
import { aDatabase, connectionTo, describeServer, testTools } from '../postgres/testing/postgres-harness.ts';
import { Forge, ownKinds } from './forge.ts';

const CHAINS = Number(process.env['ETL_TEST_SPARK_CHAINS'] ?? 150);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 20_301);
const types = { a: { kind: 'i32' }, b: { kind: 'i64' }, c: { kind: 'dec', precision: 12, scale: 2 }, d: { kind: 'f64' }, e: { kind: 'text' }, f: { kind: 'text' }, g: { kind: 'bool' }, h: { kind: 'date' }, i: { kind: 'ts' }, j: { kind: 'dec', precision: 2, scale: 2 }, k: { kind: 'tstz' } } satisfies Record<string, ColumnType>;
const input = new Map<string, ColumnType>(Object.entries(types));
const names = [...input.keys()];
const rows: readonly (readonly (string | null)[])[] = [
  ['0', '0', '0.00', '0', '', '', 'true', '2000-01-01', '2000-01-01 00:00:00', '0.50', '2000-01-01 00:00:00+00'], [null, null, null, null, null, null, null, null, null, null, null],
  ['2147483647', '9223372036854775807', '9999999999.99', '1e15', 'Ärger 100%', 'a', 'false', '2024-02-29', '2024-02-29 23:59:59.999999', '-0.05', '2024-02-29 23:59:59.999999+00'],
  ['-2147483648', '-9223372036854775808', '-9999999999.99', '-2.5', "it's", "x'y", 'true', '1899-12-31', '1969-12-31 23:59:59.5', '0.00', '1969-12-31 23:59:59.5-07:30'],
  ['7', '-3', '2.50', '2.5', '12', '12.5', 'false', '2001-09-09', '2001-09-09 01:46:40', '0.99', '2001-09-09 01:46:40+05:45'], ['-7', '3', '-2.50', '0.1', ' 5 ', '1e3', null, '0001-01-01', '0001-01-01 00:00:00', '-0.99', '0001-01-02 00:00:00+00'],
  ['1', '2', '0.05', '1.005', '2020-02-30', '2020-02-29', 'true', '9999-12-31', '9999-12-31 12:00:00.000001', '0.01', '9999-12-30 12:00:00.000001+00'], ['42', '99', '1.15', '123456789.125', 'ABC_def%!', 'true', 'false', '1970-01-01', '1970-01-01 10:20:30', '0.10', '1970-01-01 10:20:30+01'],
  ['3', '4', '3.30', 'NaN', 'nan', '.5', 'true', '2003-03-03', '2003-03-03 03:03:03', '0.30', '2003-03-03 03:03:03+00'], ['4', '5', '4.40', 'Infinity', '5.\n', '+7', 'false', '2004-04-04', '2004-04-04 04:04:04', '0.40', '2004-04-04 04:04:04+00'],
];
function values<D extends ExprDialect>(dialect: D): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const cell = (value: string | null, index: number): SqlFragment<D> => sql`CAST(${literal(dialect, value)} AS ${typeName(dialect, nativeOf(dialect, input.get(names[index]!)!)!)})`;
  return sql`(VALUES ${joinSql(rows.map((row) => sql`(${joinSql(row.map(cell), sql`, `)})`), sql`, `)}) AS t(${joinSql(names.map((name) => sql`${identifier(name)}`), sql`, `)})`;
}
const spark = sqlFor('spark');
const duck = sqlFor('duckdb');
/** Where each engine finds the rows of edges: Spark in Parquet that DuckDB wrote, as what is staged for it. */
const froms = { duckdb: values('duckdb'), postgres: values('postgres'), spark: spark`edges AS t` };

/** Steps that Spark has a form for; the others are refused by name. */
const kinds = ownKinds.filter((kind) => !['flatten', 'json', 'unpivot', 'window'].includes(kind));
interface Chain { readonly columns: readonly { readonly type: ColumnType }[]; readonly stages: readonly Stage[] }
function made<D extends ExprDialect>(dialect: D, { stages }: Chain): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const from = froms[dialect] as unknown as SqlFragment<D>;
  return printTransform(dialect, { input: [...input].map(([name, type]) => ({ name, type, native: '', nullable: true })), stages: [...stages] }, { from, column: (name) => sql`t.${identifier(name)}` }).rows;
}
/** Count and lanes of the rows that a chain gives on an engine, by the one digest of all engines. */
function digested<D extends ExprDialect>(dialect: D, chain: Chain): SqlFragment<D> {
  const columns = chain.columns.map(({ type }, index) => ({ name: `c${index}`, type }));
  const sql = sqlFor(dialect);
  const from = sql`(${made(dialect, chain)}) AS made` as unknown;
  if (dialect === 'spark') return sparkDigest(columns, 'k', from as SqlFragment<'spark'>) as unknown as SqlFragment<D>;
  if (dialect === 'postgres') return postgresDigest(columns, 'k', { from: from as SqlFragment<'postgres'>, encoding: 'utf8' }) as unknown as SqlFragment<D>;
  return sql`SELECT ${rowDigest('duckdb', columns, 'k') as unknown as SqlFragment<D>} FROM ${from as SqlFragment<D>}`;
}

describeSpark('steps mean the same on DuckDB, PostgreSQL and Spark', () => {
  describeServer('with a PostgreSQL', (adminUrl) => {
    let scratch: string;
    let drop: () => Promise<void>;
    let postgres: PostgresSession;
    let engines: { readonly duckdb: DuckChild; readonly spark: SparkSession; readonly postgres: QueryEngine<'postgres'> };
    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'spark-chains-'));
      drop = await aDatabase(adminUrl, 't_spark_chains');
      postgres = await PostgresSession.connect(connectionTo(adminUrl, 't_spark_chains'), { tools: testTools('spark chains') });
      const edges = join(scratch, 'edges.parquet');
      const duckdb = await DuckChild.start({ about: 'chains', scratch, files: [edges] });
      await duckdb.copy(compile(duck`COPY (SELECT * FROM ${values('duckdb')}) TO ${literal('duckdb', edges)} (FORMAT parquet)`));
      const session = await SparkSession.open({ ...sparkAt(), silenceMs: 90_000 });
      await session.view('edges', [edges]);
      engines = { duckdb, spark: session, postgres: new PostgresEngine(postgres) };
    }, 120_000);
    afterAll(async () => { await engines.spark.stop(); await postgres.end(); await engines.duckdb.stop(); await drop(); await rm(scratch, { recursive: true }); });

    async function told<D extends ExprDialect>(engine: QueryEngine<D>, chain: Chain): Promise<string> {
      try {
        const [row] = await engine.query(compile(digested(engine.dialect, chain)));
        return [row?.['n'], row?.['a'], row?.['b']].join(':');
      } catch (error) {
        const { code, cause, message } = error as { code?: string; cause?: Error; message: string };
        return code === 'sql.rejected' ? 'no form' : process.env['ETL_TEST_SAY'] ? `failed ${code ?? message} ${cause?.message.slice(0, 300) ?? ''}` : 'failed';
      }
    }
    const isFailed = (answer: string): boolean => answer.startsWith('failed');

    it(`${CHAINS} random chains of seed ${SEED}: equal digests`, async () => {
      const forge = new Forge(SEED + 2, input);
      const differ: unknown[] = [];
      const count = { answered: 0, failed: 0, eager: 0, refused: 0 };
      for (let n = 0; n < CHAINS; n += 1) {
        const { fused: chain } = forge.chain(kinds);
        const answers = await Promise.all([told(engines.duckdb, chain), told(engines.postgres, chain), told(engines.spark, chain)]);
        if (answers.includes('no form')) count.refused += 1;
        else if (answers.every(isFailed)) count.failed += 1;
        else {
          const given = answers.filter((answer) => !isFailed(answer));
          if (given.length < 3) { count.eager += 1; if (process.env['ETL_TEST_SAY']) process.stdout.write(`${n} ${JSON.stringify(answers)}\n`); } else count.answered += 1;
          if (new Set(given).size > 1) differ.push({ n, answers, stages: JSON.stringify(chain.stages) });
        }
      }
      process.stdout.write(`chains on three engines, seed ${SEED}: ${count.answered} answered by all, ${count.failed} failed in all, ${count.eager} failed in some, ${count.refused} without a form in one, ${differ.length} differ\n`);
      expect(differ.slice(0, 3)).toEqual([]);
      expect(count.answered).toBeGreaterThan(CHAINS / 2);
      expect(count.eager).toBeLessThanOrEqual(CHAINS / 20);
    }, 600_000);

    describe('a renderer with a planted bug', () => {
      it('is caught: NULLs stand at the other end for Spark', async () => {
        const forge = new Forge(SEED + 3, input);
        const turned = (stages: readonly Stage[]): Stage[] => stages.map((stage) => ('order' in stage ? { ...stage, order: stage.order.map((part) => ({ ...part, nulls: part.nulls === 'first' ? 'last' : 'first' })) } : stage));
        let [tried, caught] = [0, 0];
        while (tried < 25) {
          const { fused: chain } = forge.chain(kinds);
          if (!chain.stages.some((stage) => 'order' in stage)) continue;
          tried += 1;
          const [right, wrong] = await Promise.all([told(engines.duckdb, chain), told(engines.spark, { ...chain, stages: turned(chain.stages) })]);
          if (!isFailed(right) && !isFailed(wrong) && right !== wrong) caught += 1;
        }
        process.stdout.write(`planted bug: ${caught} of ${tried} chains with an order differ\n`);
        expect(caught).toBeGreaterThan(0);
      }, 120_000);
    });
  });
});
