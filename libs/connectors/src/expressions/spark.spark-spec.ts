import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType, Expr, Stage } from '@agent-etl/contracts';
import { describeSpark } from '@agent-etl/engines/testing';
import { type ExprDialect, type Fused, type SqlFragment, checkExpression, compile, identifier, joinSql, literal, nativeOf, printExpression, printTransform, sqlFor, typeName } from '@agent-etl/sql-safety';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { Forge, ownKinds } from './forge.ts';
import { type Rows, ThreeEngines } from './testing/three-engines.ts';

const CHAINS = Number(process.env['ETL_TEST_SPARK_CHAINS'] ?? 200);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 20_301);
const types = { a: { kind: 'i32' }, b: { kind: 'i64' }, c: { kind: 'dec', precision: 12, scale: 2 }, d: { kind: 'f64' }, e: { kind: 'text' }, f: { kind: 'text' }, g: { kind: 'bool' }, h: { kind: 'date' }, i: { kind: 'ts' }, j: { kind: 'dec', precision: 2, scale: 2 }, k: { kind: 'tstz' }, l: { kind: 'json' } } satisfies Record<string, ColumnType>;
const input = new Map<string, ColumnType>(Object.entries(types));
const names = [...input.keys()];
const rows: readonly (readonly (string | null)[])[] = [
  ['0', '0', '0.00', '0', '', '', 'true', '2000-01-01', '2000-01-01 00:00:00', '0.50', '2000-01-01 00:00:00+00', '{"a":1,"b":"x","c":[1,"y",null,{"d":true}],"e":1.5}'],
  [null, null, null, null, null, null, null, null, null, null, null, null],
  ['2147483647', '9223372036854775807', '9999999999.99', '1e15', 'Ärger 100%', 'a', 'false', '2024-02-29', '2024-02-29 23:59:59.999999', '-0.05', '2024-02-29 23:59:59.999999+00', '[]'],
  ['-2147483648', '-9223372036854775808', '-9999999999.99', '-2.5', "it's", "x'y", 'true', '1899-12-31', '1969-12-31 23:59:59.5', '0.00', '1969-12-31 23:59:59.5-07:30', '[1, 2, "z", {"a": 1e2}, {"b": 1.0}]'],
  ['7', '-3', '2.50', '2.5', '12', '12.5', 'false', '2001-09-09', '2001-09-09 01:46:40', '0.99', '2001-09-09 01:46:40+05:45', '5'],
  ['-7', '3', '-2.50', '0.1', ' 5 ', '1e3', null, '0001-01-01', '0001-01-01 00:00:00', '-0.99', '0001-01-02 00:00:00+00', '"o\'clock"'],
  ['1', '2', '0.05', '1.005', '2020-02-30', '2020-02-29', 'true', '9999-12-31', '9999-12-31 12:00:00.000001', '0.01', '9999-12-30 12:00:00.000001+00', '{"b":null,"a":false,"c":"[1] x"}'],
  ['42', '99', '1.15', '123456789.125', 'ABC_def%!', 'true', 'false', '1970-01-01', '1970-01-01 10:20:30', '0.10', '1970-01-01 10:20:30+01', '{"a":"12","c":{}}'],
  ['3', '4', '3.30', 'NaN', 'nan', '.5', 'true', '2003-03-03', '2003-03-03 03:03:03', '0.30', '2003-03-03 03:03:03+00', '{"e":-0.25,"a":9007199254740993,"b":"Straße"}'],
  ['4', '5', '4.40', 'Infinity', '5.\n', '+7', 'false', '2004-04-04', '2004-04-04 04:04:04', '0.40', '2004-04-04 04:04:04+00', '{"a":-0,"c":["2001-01-01", "5", 5],"b":"2.5"}'],
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

/** A chain over the rows of edges, or other stages in its place. */
const over = ({ columns, stages: own }: Fused, stages: readonly Stage[] = own): Rows => ({
  types: columns.map(({ type }) => type),
  made: <D extends ExprDialect>(dialect: D) => printTransform(dialect, { input: [...input].map(([name, type]) => ({ name, type, native: '', nullable: true })), stages: [...stages] }, { from: froms[dialect] as unknown as SqlFragment<D>, column: (name) => sqlFor(dialect)`t.${identifier(name)}` }).rows,
});

/** The value of an expression for each row of edges, beside a column that tells the rows apart. */
function valued(expr: Expr): Rows {
  const checked = checkExpression(expr, { input });
  return { types: [types.b, checked.type], made: <D extends ExprDialect>(dialect: D) => { const sql = sqlFor(dialect); return sql`SELECT t.b AS c0, ${printExpression(dialect, checked, (name) => sql`t.${identifier(name)}`)} AS c1 FROM ${froms[dialect] as unknown as SqlFragment<D>}`; } };
}
const col = (name: string): Expr => ({ k: 'col', name });
const int = (v: number): Expr => ({ k: 'lit', t: { kind: 'i64' }, v: String(v) });
const text = (v: string): Expr => ({ k: 'lit', t: { kind: 'text' }, v });
const call = (fn: string, ...args: Expr[]): Expr => ({ k: 'call', fn, args });
/** A few of every row: no more than a day, or a place, may be moved by. */
const few: Expr = { k: 'bin', op: '-', l: { k: 'bin', op: '%', l: col('a'), r: int(40) }, r: int(3) };
/** Functions that no chain calls. */
const calls: readonly (readonly [what: string, made: Expr])[] = [
  ['texts between texts', call('concat_ws', text('-,'), col('e'), col('f'), col('e'))], ['seconds between times', call('diff_seconds', col('i'), { k: 'cast', e: col('h'), to: { kind: 'ts' }, onError: 'fail' })], ['characters off the ends', call('trim_chars', col('e'), text('A !5r'))],
  ['a slice', call('slice', col('e'), few, few)], ['a slice to the end', call('slice', col('e'), few)], ['a number that is cut', call('trunc', { k: 'case', whens: [{ when: { k: 'bin', op: '<', l: call('abs', col('d')), r: { k: 'lit', t: { kind: 'f64' }, v: '1e9' } }, then: col('d') }], else: { k: 'lit', t: { kind: 'f64' }, v: '-1.5' } })], ['a decimal that is cut', call('trunc', col('c'))],
  ...['^[A-Z]+', '[0-9]{1,2}$', 'C_d?e', '[^a-z]', "'[st]", '5\\.$', '^ *[0-9]+ *$', '^5\\.'].map((pattern): readonly [string, Expr] => [`a pattern ${pattern}`, call('regexp_like', col('e'), text(pattern))]),
  ...(['shift_days', 'shift_days_back', 'shift_months'] as const).flatMap((fn): (readonly [string, Expr])[] => [[`a date and ${fn}`, call(fn, nearToday('h'), few)], [`a time and ${fn}`, call(fn, nearToday('i'), few)]]), ['a time and shift_seconds', call('shift_seconds', nearToday('i'), few)], ['a date and shift_seconds', call('shift_seconds', nearToday('h'), few)],
];
/** Years that no engine leaves when they are moved: each has an end of its own. */
function nearToday(name: 'h' | 'i'): Expr { return { k: 'case', whens: [{ when: { k: 'bin', op: '<', l: call('abs', { k: 'bin', op: '-', l: call('year', col(name)), r: int(2000) }), r: int(150) }, then: col(name) }], else: { k: 'lit', t: types[name], v: '2024-01-31' } }; }

/** Every expression of a stage, changed from the inside out. */
const within = (stage: Stage, change: (expr: Expr) => Expr): Stage => JSON.parse(JSON.stringify(stage), (_, value: unknown) => (value !== null && typeof value === 'object' && 'k' in value ? change(value as Expr) : value)) as Stage;
/** Kinds that Spark has a form for: it would show the key of a mask in its plans, and a query is printed for the other two alone. */
const formed = ownKinds.filter((kind) => kind !== 'tokenize' && kind !== 'query');
/** What a renderer for Spark could get wrong, as stages that are printed for it alone. */
const planted: readonly (readonly [what: string, kind: (typeof ownKinds)[number], plant: (stage: Stage) => Stage])[] = [
  ['NULLs stand at the other end', 'sort', (stage) => ('order' in stage ? { ...stage, order: stage.order.map((part) => ({ ...part, nulls: part.nulls === 'first' ? 'last' : 'first' })) } : stage)],
  ['a frame that ends with the row goes to the last one', 'window', (stage) => (stage.op === 'window' ? { ...stage, columns: stage.columns.map((column) => ({ ...column, frame: column.frame && { ...column.frame, after: 'all' as const } })) } : stage)],
  ['ranks have no gaps', 'window', (stage) => (stage.op === 'window' ? { ...stage, columns: stage.columns.map((column) => ({ ...column, fn: column.fn === 'rank' ? 'dense_rank' : column.fn })) } : stage)],
  ['a NULL makes no row', 'unpivot', (stage) => (stage.op === 'unpivot' ? { ...stage, nulls: 'drop' } : stage)],
  ['a row without items is lost', 'flatten', (stage) => (stage.op === 'flatten' ? { ...stage, empty: 'drop' } : stage)],
  ['places in a list count from one', 'json', (stage) => within(stage, (expr) => (expr.k === 'call' && expr.fn.startsWith('json_') ? { ...expr, args: expr.args.map((arg) => (arg.k === 'lit' && arg.t.kind === 'i64' ? { ...arg, v: String(Number(arg.v) + 1) } : arg)) } : expr))],
  ['a number of JSON is taken as its text', 'json', (stage) => within(stage, (expr) => (expr.k === 'call' && expr.fn === 'json_number' ? { k: 'cast', e: { ...expr, fn: 'json_text' }, to: { kind: 'f64' }, onError: 'null' } : expr))],
  ['values of a pivot are not told apart', 'pivot', (stage) => (stage.op === 'group' ? { ...stage, measures: stage.measures.map((measure) => ({ ...measure, where: null })) } : stage)],
  ['a masked text shows nothing', 'mask', (stage) => within(stage, (expr) => (expr.k === 'mask' && expr.method === 'last4' ? { ...expr, method: 'fixed', v: '****' } : expr))],
];

describeSpark('steps mean the same on DuckDB, PostgreSQL and Spark', () => {
  describeServer('with a PostgreSQL', (adminUrl) => {
    let engines: ThreeEngines;
    beforeAll(async () => {
      const opened = await ThreeEngines.open(adminUrl, { database: 't_spark_chains', file: 'edges.parquet' });
      engines = opened.engines;
      await engines.duckdb.copy(compile(duck`COPY (SELECT * FROM ${values('duckdb')}) TO ${literal('duckdb', opened.path)} (FORMAT parquet)`));
      await engines.spark.view('edges', [opened.path]);
    }, 120_000);
    afterAll(async () => { await engines.close(); });

    it(`${CHAINS} random chains of seed ${SEED}: equal digests`, async () => {
      const forge = new Forge(SEED + 2, input, 'spark');
      const seen = new Map<string, number>();
      for (let n = 0; n < CHAINS; n += 1) {
        const { fused, kinds } = forge.chain(formed);
        if (await engines.compare(over(fused), { n, stages: fused.stages })) for (const kind of new Set(kinds)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
      process.stdout.write(`chains on three engines, seed ${SEED}: ${engines.sums}; ${[...seen].sort().map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`);
      expect(engines.differ.slice(0, 3)).toEqual([]);
      expect(engines.count.withoutForm).toBe(0);
      expect(engines.count.answered).toBeGreaterThan(CHAINS / 2);
      expect(engines.count.eager).toBeLessThanOrEqual(CHAINS / 20);
      // A kind that fails everywhere would agree with itself.
      for (const kind of formed) expect([kind, (seen.get(kind) ?? 0) >= CHAINS / 100]).toEqual([kind, true]);
    }, 900_000);

    it.each(calls)('%s', async (_, expr) => {
      const before = engines.differ.length;
      expect([await engines.compare(valued(expr), expr), engines.differ.slice(before)]).toEqual([true, []]);
    });
    it.each(planted)('a renderer with a planted bug is caught: %s', async (_, kind, plant) => {
      const forge = new Forge(SEED + 3, input, 'spark');
      let tried = 0;
      for (let caught = false; !caught; tried += 1) {
        expect(tried).toBeLessThan(40);
        const { fused } = forge.chain([kind]);
        const wrong = fused.stages.map(plant);
        caught = JSON.stringify(wrong) !== JSON.stringify(fused.stages) && await engines.tells(over(fused), over(fused, wrong)) === true;
      }
      process.stdout.write(`planted (${kind}): caught by chain ${tried}\n`);
    }, 120_000);
  });
});
