import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Stage } from '@agent-etl/contracts';
import { describeSpark } from '@agent-etl/engines/testing';
import { type ExprDialect, compile } from '@agent-etl/sql-safety';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { type JoinCase, nextCase, printedCase } from './join-case.ts';
import { JoinForge } from './join-forge.ts';
import { type Rows, ThreeEngines } from './testing/three-engines.ts';

const CHAINS = Number(process.env['ETL_TEST_SPARK_CHAINS'] ?? 200);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 20_401);
const over = (each: JoinCase, stages: readonly Stage[] = each.fused.stages): Rows => ({ types: each.fused.columns.map(({ type }) => type), made: <D extends ExprDialect>(dialect: D) => printedCase(dialect, each, stages).rows });
const kindOf = (stage: Stage): string => (stage.op === 'join' ? stage.kind : stage.op);
const isCombining = ({ op }: Stage): boolean => op === 'join' || op === 'union';
const planted: readonly (readonly [what: string, plant: (stage: Stage) => Stage])[] = [
  ['NULL as a key finds NULL', (stage) => (stage.op === 'join' ? { ...stage, on: stage.on.map((pair) => ({ ...pair, nullSafe: !pair.nullSafe })) } : stage)],
  ['a left join keeps what finds a row', (stage) => (stage.op === 'join' && stage.kind === 'left' ? { ...stage, kind: 'inner' } : stage)],
  ['a semi join is its opposite', (stage) => (stage.op === 'join' && stage.kind === 'semi' ? { ...stage, kind: 'anti' } : stage)],
  ['a union keeps rows that are there twice', (stage) => (stage.op === 'union' ? { ...stage, distinct: false } : stage)],
];

describeSpark('joins and unions mean the same on DuckDB, PostgreSQL and Spark', () => {
  describeServer('with a PostgreSQL', (adminUrl) => {
    let engines: ThreeEngines;
    beforeAll(async () => { ({ engines } = await ThreeEngines.open(adminUrl, { database: 't_spark_joins', file: 'none.parquet' })); }, 120_000);
    afterAll(async () => { await engines.close(); });

    it(`${CHAINS} random chains of seed ${SEED}: equal digests`, async () => {
      const forge = new JoinForge(SEED, 'spark');
      const kinds: Record<string, number> = {};
      for (let n = 0; n < CHAINS; n += 1) {
        const each = nextCase(forge);
        if (await engines.compare(over(each), { n, stages: each.fused.stages })) for (const stage of each.fused.stages) kinds[kindOf(stage)] = (kinds[kindOf(stage)] ?? 0) + 1;
      }
      process.stdout.write(`joins on three engines, seed ${SEED}: ${engines.sums}; stages ${JSON.stringify(kinds)}\n`);
      expect(engines.differ.slice(0, 3)).toEqual([]);
      expect(engines.count.withoutForm).toBe(0);
      expect(engines.count.answered).toBeGreaterThan(CHAINS / 2);
      expect(engines.count.eager).toBeLessThanOrEqual(CHAINS / 20);
      for (const kind of ['inner', 'left', 'right', 'full', 'semi', 'anti', 'union']) expect([kind, (kinds[kind] ?? 0) > 0]).toEqual([kind, true]);
    }, 900_000);

    it('counts of a join are those that PostgreSQL counts', async () => {
      const forge = new JoinForge(SEED + 1, 'spark');
      let compared = 0;
      for (let n = 0; n < CHAINS / 5; n += 1) {
        const each = nextCase(forge);
        const stages = each.fused.stages.slice(0, each.fused.stages.findIndex(isCombining) + 1);
        try {
          const [asked] = printedCase('spark', each, stages).combining;
          const [other] = printedCase('postgres', each, stages).combining;
          const [here, there] = await Promise.all([engines.spark.query(compile(asked!.counted)), engines.postgres.query(compile(other!.counted))]);
          expect(asked!.read(here[0] ?? {})).toEqual(other!.read(there[0] ?? {}));
          compared += 1;
        } catch (error) {
          if (!/^data\.|^sql\./.test((error as { code?: string }).code ?? '')) throw error; // a value that does not fit before the join, or an expression that PostgreSQL has no form for
        }
      }
      process.stdout.write(`counts: ${compared} compared\n`);
      expect(compared).toBeGreaterThan(CHAINS / 10);
    }, 600_000);

    it.each(planted)('a renderer with a planted bug is caught: %s', async (_, plant) => {
      const forge = new JoinForge(SEED + 2, 'spark');
      let tried = 0;
      for (let caught = false; !caught; tried += 1) {
        expect(tried).toBeLessThan(400);
        const each = nextCase(forge);
        const wrong = each.fused.stages.map(plant);
        caught = JSON.stringify(wrong) !== JSON.stringify(each.fused.stages) && await engines.tells(over(each), over(each, wrong)) === true;
      }
      process.stdout.write(`planted: caught by chain ${tried}\n`);
    }, 240_000);
  });
});
