import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ColumnType, stepKinds } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { type ExprDialect, type Fused, type SqlFragment, compile, identifier, joinSql, printConstant, printTransform, sqlFor } from '@agent-etl/sql-safety';
import fc from 'fast-check';
import type { PostgresSession } from '../postgres/postgres-session.ts';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { Forge, type OwnKind } from './forge.ts';
import { type TwoEngines, twoEngines } from './testing/two-engines.ts';

const RUNS = Number(process.env['ETL_TEST_INCREMENTAL'] ?? 25);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 20_305);
const types = { id: { kind: 'i64' }, at: { kind: 'ts' }, n: { kind: 'i32' }, d: { kind: 'dec', precision: 12, scale: 2 }, s: { kind: 'text' }, l: { kind: 'json' }, b: { kind: 'bool' } } satisfies Record<string, ColumnType>;
const input = new Map<string, ColumnType>(Object.entries(types));
const names = Object.keys(types);
/** Columns that a position and a merge hang on: an incremental plan leaves them as they are. */
const KEPT = ['id', 'at'];
type Row = Readonly<Record<keyof typeof types, string | null>>;
const nullable = (values: readonly string[]): fc.Arbitrary<string | null> => fc.constantFrom(null, ...values);
const aRow = { n: nullable(['0', '1', '-7', '2147483647']), d: nullable(['0.00', '1.25', '-99.99']), s: nullable(['', 'a', 'Straße', '12', 'abc']), l: nullable(['{"a":1,"b":"x"}', '[1,2]', '[]', '{"c":[1,"y"]}']), b: nullable(['true', 'false']), at: fc.constantFrom('2001-01-01 00:00:00', '2001-02-03 04:05:06.5') };
const someRows: fc.Arbitrary<readonly Row[]> = fc.array(fc.record(aRow), { minLength: 1, maxLength: 12 }).map((rows) => rows.map((row, nth): Row => ({ ...row, id: String(nth + 1) })));
/** Kinds that take rows one by one, and leave none out. */
const rowWise = ['derive', 'select', 'drop', 'rename', 'cast', 'json', 'mask', 'tokenize'] as const satisfies readonly OwnKind[];
/** Kinds that a cursor is refused beside, in `incremental.spec.ts` of planning: each would go wrong, and here is a case. */
const wrong = ['filter', 'sample', 'aggregate', 'dedupe', 'limit', 'sort', 'pivot', 'window', 'query'] as const satisfies readonly OwnKind[];
/** Rows of other keys than those that were read, or of other datasets: `incremental-beside.int-spec.ts` has a case of each that goes wrong. */
const others = ['flatten', 'unpivot', 'join', 'lookup', 'union'] as const;

type Made = readonly (readonly [id: string | null, row: string])[];
const told = (made: Made): string[] => made.map(([, row]) => row).sort();
const merged = (before: Made, changed: Made): Made => { const ids = new Set(changed.map(([id]) => id)); return [...before.filter(([id]) => !ids.has(id)), ...changed]; };
const withChanges = (rows: readonly Row[], changed: readonly Row[]): readonly Row[] => { const ids = new Set(changed.map(({ id }) => id)); return [...rows.filter(({ id }) => !ids.has(id)), ...changed]; };

describeServer('incremental equals full', (adminUrl) => {
  let engines: TwoEngines;
  let duck: DuckChild;
  let postgres: PostgresSession;
  beforeAll(async () => { engines = await twoEngines(adminUrl, 'incremental'); ({ duck, postgres } = engines); });
  afterAll(() => engines.end());

  function statement<D extends ExprDialect>(dialect: D, { stages, columns }: Fused, rows: readonly Row[]): SqlFragment<D> {
    const sql = sqlFor(dialect);
    const values = joinSql(rows.map((row) => sql`(${joinSql(names.map((name) => printConstant(dialect, { t: input.get(name)!, v: row[name as keyof Row] })), sql`, `)})`), sql`, `);
    const from = sql`(VALUES ${values}) AS t(${joinSql(names.map((name) => sql`${identifier(name)}`), sql`, `)})`;
    const { rows: made } = printTransform(dialect, { input: [...input].map(([name, type]) => ({ name, type, native: '', nullable: true })), stages: [...stages] }, { from, column: (name) => sql`t.${identifier(name)}` });
    return sql`SELECT ${joinSql(columns.map((_, nth) => sql`CAST(${identifier(`c${nth}`)} AS ${dialect === 'duckdb' ? sql`VARCHAR` : sql`text`}) AS ${identifier(`c${nth}`)}`), sql`, `)} FROM (${made}) AS made`;
  }
  const run = { duckdb: async (fused: Fused, rows: readonly Row[]) => duck.query(compile(statement('duckdb', fused, rows))), postgres: async (fused: Fused, rows: readonly Row[]) => postgres.run<Record<string, unknown>>(compile(statement('postgres', fused, rows))) };
  async function made(engine: keyof typeof run, fused: Fused, rows: readonly Row[]): Promise<Made> {
    if (!rows.length) return [];
    const at = fused.columns.findIndex(({ name }) => name === 'id');
    const found = await run[engine](fused, rows);
    return found.map((row) => [at < 0 ? null : String(row[`c${at}`]), JSON.stringify(fused.columns.map((_, nth) => row[`c${nth}`] ?? null))] as const);
  }
  /** What an engine refuses of these values it refuses of all rows and of a part of them; such a case says nothing. */
  const answered = async (work: () => Promise<boolean>): Promise<boolean> => { try { return await work(); } catch (error) { if (typeof (error as { code?: unknown }).code !== 'string') throw error; return true; } };
  const chainOf = (seed: number, kind: OwnKind): Fused | null => {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const { fused } = new Forge(seed + attempt, input).chain([kind]);
      if (KEPT.every((name) => fused.columns.some((column) => column.name === name && column.source === name)) || (wrong as readonly string[]).includes(kind)) return fused;
    }
    return null;
  };
  const cases = fc.record({ seed: fc.nat(), rows: someRows, changes: someRows, cut: fc.nat({ max: 12 }) });
  /** Rows with the ids of some that are there, and new ones. */
  const shifted = (changes: readonly Row[], rows: readonly Row[], cut: number): readonly Row[] => changes.map((row, nth) => ({ ...row, id: String(rows.length - (cut % (rows.length + 1)) + nth + 1) }));

  it('is decided for every kind of step', () => { expect([...rowWise, ...wrong, ...others].sort()).toEqual([...stepKinds].sort()); });
  describe.each(['duckdb', 'postgres'] as const)('on %s', (engine) => {
    it.each(rowWise)('%s: slices make the whole, and what changed makes what a full run makes', async (kind) => {
      let seen = 0;
      await fc.assert(fc.asyncProperty(cases, async ({ seed, rows, changes, cut }) => {
        const fused = chainOf(seed, kind);
        if (!fused) return true;
        const changed = shifted(changes, rows, cut);
        return answered(async () => {
          const whole = await made(engine, fused, rows);
          const slices = [await made(engine, fused, rows.slice(0, cut)), await made(engine, fused, rows.slice(cut))].flat();
          const incremental = merged(whole, await made(engine, fused, changed));
          seen += 1;
          expect(told(slices)).toEqual(told(whole));
          expect(told(incremental)).toEqual(told(await made(engine, fused, withChanges(rows, changed))));
          return true;
        });
      }), { seed: SEED, numRuns: RUNS });
      // Cases that all fail would agree.
      expect(seen).toBeGreaterThan(RUNS / 4);
    }, 120_000);
  });
  it.each(wrong)('%s would go wrong: it is refused for a reason', async (kind) => {
    const { failed } = await fc.check(fc.asyncProperty(cases, async ({ seed, rows, changes, cut }) => {
      const fused = chainOf(seed, kind)!;
      const changed = shifted(changes, rows, cut);
      return answered(async () => JSON.stringify(told(merged(await made('duckdb', fused, rows), await made('duckdb', fused, changed)))) === JSON.stringify(told(await made('duckdb', fused, withChanges(rows, changed)))));
    }), { seed: SEED, numRuns: 300, endOnFailure: true });
    expect(failed).toBe(true);
  }, 120_000);
});
