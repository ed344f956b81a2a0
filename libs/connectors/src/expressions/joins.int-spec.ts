import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ColumnType, Stage } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { type ExprDialect, type Fused, type SqlFragment, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from '../postgres/postgres-session.ts';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { type JoinCase, nextCase, printedCase } from './join-case.ts';
import { JoinForge } from './join-forge.ts';
import { compareChain, nothingCompared } from './testing/compared-chains.ts';
import { joinedChains } from './testing/edge-chains.ts';
import { type TwoEngines, told as cell, twoEngines } from './testing/two-engines.ts';

const CHAINS = Number(process.env['ETL_TEST_CHAINS'] ?? 400);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 20_401);
type Row = Readonly<Record<string, unknown>>;
function shownRows<D extends ExprDialect>(dialect: D, each: JoinCase, stages = each.fused.stages): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const list = joinSql(each.fused.columns.map(({ type }, index) => sql`${cell(dialect, sql`${identifier(`c${index}`)}`, type)} AS ${identifier(`c${index}`)}`), sql`, `);
  return sql`SELECT ${list} FROM (${printedCase(dialect, each, stages).rows}) AS made`;
}
// DuckDB shows a decimal that is all fraction without its zero.
const shown = (value: unknown, { kind }: ColumnType): unknown => (value === null || value === undefined ? null : kind === 'f64' ? Number(value) + 0 : kind === 'dec' ? String(value).replace(/^(-?)\./, '$10.') : value);

describeServer('joins and unions mean the same in DuckDB and in PostgreSQL', (adminUrl) => {
  let engines: TwoEngines;
  let duck: DuckChild;
  let postgres: PostgresSession;
  beforeAll(async () => { engines = await twoEngines(adminUrl, 'joins'); ({ duck, postgres } = engines); });
  afterAll(() => engines.end());

  const told = async (run: () => Promise<readonly Row[]>, { columns }: Fused): Promise<string> => {
    try { return JSON.stringify((await run()).map((row) => JSON.stringify(columns.map(({ type }, index) => shown(row[`c${index}`], type)))).sort()); } catch (error) { return (error as { code?: string }).code === 'sql.rejected' ? 'no form' : `failed: ${String(error).slice(0, 200)}`; }
  };
  const inDuck = (sql: SqlFragment<'duckdb'>) => duck.query(compile(sql));
  const inPostgres = (sql: SqlFragment<'postgres'>) => postgres.run<Record<string, unknown>>(compile(sql));

  it(`${CHAINS} random chains of seed ${SEED}`, async () => {
    const next = joinedChains(SEED);
    const into = nothingCompared();
    for (let n = 0; n < CHAINS; n += 1) await compareChain(engines, next(), { n, into });
    const { answered, failed, eager, differ, kinds } = into;
    process.stdout.write(`joins: ${answered} answered by both, ${failed} failed in both, ${eager} failed in one alone, ${differ.length} differ; ${[...kinds].sort().map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`);
    expect(differ.slice(0, 3)).toEqual([]);
    expect(answered).toBeGreaterThan(CHAINS / 2);
    expect(eager).toBeLessThanOrEqual(CHAINS / 40);
    for (const kind of ['inner join', 'left join', 'right join', 'full join', 'semi join', 'anti join', 'union']) expect(kinds.get(kind) ?? 0).toBeGreaterThan(0);
  }, 600_000);

  it('counts of a join, which stand on another plan, are those of its rows, in both engines', async () => {
    const forge = new JoinForge(SEED + 1);
    let compared = 0;
    for (let n = 0; n < CHAINS / 4; n += 1) {
      const each = nextCase(forge);
      const at = each.fused.stages.findIndex(({ op }) => op === 'join' || op === 'union');
      const stages = each.fused.stages.slice(0, at + 1);
      const whole = { ...each, fused: { ...each.fused, columns: [] } };
      const duckPart = printedCase('duckdb', whole, stages);
      const pgPart = printedCase('postgres', whole, stages);
      try {
        const [d, p] = [(await inDuck(duckPart.combining[0]!.counted))[0] ?? {}, (await inPostgres(pgPart.combining[0]!.counted))[0] ?? {}];
        const counts = [duckPart.combining[0]!.read(d), pgPart.combining[0]!.read(p)];
        expect(counts[0]).toEqual(counts[1]);
        const [[made], [before]] = [await inPostgres(sqlFor('postgres')`SELECT count(*) AS n FROM (${pgPart.rows}) AS made`), await inPostgres(sqlFor('postgres')`SELECT count(*) AS n FROM (${printedCase('postgres', whole, stages.slice(0, -1)).rows}) AS made`)];
        expect([counts[0]!.left, counts[0]!.out]).toEqual([Number(before?.['n']), Number(made?.['n'])]);
        compared += 1;
      } catch (error) {
        // DuckDB also computes what a branch does not need: an overflow there is no difference.
        if (!/^(data|sql)\./.test((error as { code?: string }).code ?? '') && !/Out of Range|overflow/i.test(String((error as Error).cause))) throw error;
      }
    }
    process.stdout.write(`counts: ${compared} compared\n`);
    expect(compared).toBeGreaterThan(CHAINS / 10);
  }, 600_000);

  it('finds a printer that takes NULL for equal in one dialect', async () => {
    const forge = new JoinForge(SEED + 2);
    const planted = (stages: readonly Stage[]): Stage[] => stages.map((stage) => (stage.op === 'join' ? { ...stage, on: stage.on.map((pair) => ({ ...pair, nullSafe: !pair.nullSafe })) } : stage));
    let differ = 0;
    for (let n = 0; n < 150; n += 1) {
      const each = nextCase(forge);
      const [a, b] = await Promise.all([told(() => inDuck(shownRows('duckdb', each, planted(each.fused.stages))), each.fused), told(() => inPostgres(shownRows('postgres', each)), each.fused)]);
      if (!a.startsWith('failed') && !b.startsWith('failed') && a !== b) differ += 1;
    }
    process.stdout.write(`planted: ${differ} of 150 chains differ\n`);
    expect(differ).toBeGreaterThan(5);
  }, 120_000);
});
