import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { writeFileSync } from 'node:fs';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { compareChain, nothingCompared } from './testing/compared-chains.ts';
import { joinedChains, ownChains } from './testing/edge-chains.ts';
import { type TwoEngines, twoEngines } from './testing/two-engines.ts';

// `npm run proof -- chains` runs this, and says what came of it.
const CASES = Number(process.env['ETL_TEST_CHAINS'] ?? 10_000);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 1);
const REPORT = process.env['ETL_TEST_CHAINS_REPORT'] ?? '';
/** Every fourth chain has joins or unions. */
const EVERY = 4;
const STEPS_OF_BAR = 30;

function drawn(n: number, since: number, differ: number): void {
  const isTty = process.stdout.isTTY;
  if (n % Math.max(1, Math.floor(CASES / (isTty ? 200 : 20))) !== 0 && n !== CASES) return;
  const bar = '#'.repeat(Math.round((n / CASES) * STEPS_OF_BAR)).padEnd(STEPS_OF_BAR, '.');
  process.stdout.write(`${isTty ? '\r' : ''}  [${bar}] ${n} of ${CASES} chains, ${differ} differ, ${((performance.now() - since) / 1_000).toFixed(0)} s${isTty && n !== CASES ? ' ' : '\n'}`);
}

describeServer('chains of steps mean the same in DuckDB and in PostgreSQL', (adminUrl) => {
  let engines: TwoEngines;
  beforeAll(async () => { engines = await twoEngines(adminUrl, 'chains'); });
  afterAll(() => engines.end());

  it(`${CASES} chains of seed ${SEED}`, async () => {
    const [own, joined, into, since] = [ownChains(SEED), joinedChains(SEED), nothingCompared(), performance.now()];
    for (let n = 0; n < CASES; n += 1) {
      await compareChain(engines, n % EVERY === EVERY - 1 ? joined() : own(), { n, into });
      drawn(n + 1, since, into.differ.length);
    }
    if (REPORT) writeFileSync(REPORT, JSON.stringify({ ...into, kinds: [...into.kinds].sort(), cases: CASES, seed: SEED, versions: await versionsOf(engines) }));
    expect(into.differ.slice(0, 3)).toEqual([]);
    expect(into.answered).toBeGreaterThan(CASES / 2);
    expect(into.eager).toBeLessThanOrEqual(CASES / 40);
  }, 86_400_000);
});
async function versionsOf({ duck, postgres }: TwoEngines): Promise<readonly string[]> {
  const [[d], [p]] = [await duck.query(compile(sqlFor('duckdb')`SELECT version() AS v`)), await postgres.run<{ v: string }>(compile(sqlFor('postgres')`SELECT current_setting('server_version') AS v`))];
  return [`DuckDB ${String(d?.['v'])}`, `PostgreSQL ${String(p?.v)}`];
}
