import type { ColumnType } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type SqlFragment, identifier, joinSql, literal, printConstant, printTransform, sqlFor } from '@agent-etl/sql-safety';
import { Forge } from '../forge.ts';
import { type JoinCase, nextCase, printedCase } from '../join-case.ts';
import { JoinForge } from '../join-forge.ts';
import type { Chain } from './compared-chains.ts';

const types = { a: { kind: 'i32' }, b: { kind: 'i64' }, c: { kind: 'dec', precision: 12, scale: 2 }, d: { kind: 'f64' }, e: { kind: 'text' }, f: { kind: 'text' }, g: { kind: 'bool' }, h: { kind: 'date' }, i: { kind: 'ts' }, j: { kind: 'dec', precision: 2, scale: 2 }, k: { kind: 'tstz' }, l: { kind: 'json' }, m: { kind: 'time' }, n: { kind: 'bytes' } } satisfies Record<string, ColumnType>;
/** Columns of every type. */
export const input: ReadonlyMap<string, ColumnType> = new Map<string, ColumnType>(Object.entries(types));
/** Values at the edges of their types, a row for each. */
export const rows: readonly (readonly (string | null)[])[] = [
  ['0', '0', '0.00', '0', '', '', 'true', '2000-01-01', '2000-01-01 00:00:00', '0.50', '2000-01-01 00:00:00+00', '{"a":1,"b":"x","c":[1,"y",null,{"d":true}],"e":1.5}', '00:00:00', '\\x'], [null, null, null, null, null, null, null, null, null, null, null, null, null, null],
  ['2147483647', '9223372036854775807', '9999999999.99', '1e15', 'Ärger 100%', 'a', 'false', '2024-02-29', '2024-02-29 23:59:59.999999', '-0.05', '2024-02-29 23:59:59.999999+00', '[]', '23:59:59.999999', '\\xff00'],
  ['-2147483648', '-9223372036854775808', '-9999999999.99', '-2.5', "it's", "x'y", 'true', '1899-12-31', '1969-12-31 23:59:59.5', '0.00', '1969-12-31 23:59:59.5-07:30', '[1, 2, "z", {"a": 1e2}]', '12:34:56.5', '\\x61'],
  ['7', '-3', '2.50', '2.5', '12', '12.5', 'false', '2001-09-09', '2001-09-09 01:46:40', '0.99', '2001-09-09 01:46:40+05:45', '5', '01:02:03', '\\x6161'], ['-7', '3', '-2.50', '0.1', ' 5 ', '1e3', null, '0001-01-01', '0001-01-01 00:00:00', '-0.99', '0001-01-02 00:00:00+00', '"o\'clock"', '12:34:56.500001', '\\x0a0b0c'],
  ['1', '2', '0.05', '1.005', '2020-02-30', '2020-02-29', 'true', '9999-12-31', '9999-12-31 12:00:00.000001', '0.01', '9999-12-30 12:00:00.000001+00', '{"b":null,"a":false}', '00:00:00.000001', '\\x00'], ['42', '99', '1.15', '123456789.125', 'ABC_def%!', 'true', 'false', '1970-01-01', '1970-01-01 10:20:30', '0.10', '1970-01-01 10:20:30+01', '{"a":"12","c":{}}', '12:00:00', '\\x5c78'],
  ['3', '4', '3.30', 'NaN', 'nan', '.5', 'true', '2003-03-03', '2003-03-03 03:03:03', '0.30', '2003-03-03 03:03:03+00', '{"e":-0.25,"a":9007199254740993,"b":"Straße"}', '07:08:09.1', '\\xffff'], ['4', '5', '4.40', 'Infinity', '5.', '+7', 'false', '2004-04-04', '2004-04-04 04:04:04', '0.40', '2004-04-04 04:04:04+00', '{"a":-0,"c":["2001-01-01"],"b":"2.5"}', '23:00:00', '\\x80'],
];
const names = Object.keys(types);

export const columnsOf = <D extends ExprDialect>(dialect: D): SqlFragment<D> => { const sql = sqlFor(dialect); return joinSql(names.map((name) => sql`${identifier(name)}`), sql`, `); };
export function values<D extends ExprDialect>(dialect: D): SqlFragment<D> {
  const sql = sqlFor(dialect);
  return joinSql(rows.map((row, n) => sql`(${joinSql([literal(dialect, n), ...row.map((value, index) => printConstant(dialect, { t: input.get(names[index]!)!, v: value }))], sql`, `)})`), sql`, `);
}
/** A chain of steps over the rows of edges, as a statement of an engine. */
function chained<D extends ExprDialect>(dialect: D, fused: Fused): SqlFragment<D> {
  const sql = sqlFor(dialect);
  return printTransform(dialect, { input: [...input].map(([name, type]) => ({ name, type, native: '', nullable: true })), stages: [...fused.stages] }, { from: sql`(VALUES ${values(dialect)}) AS t(nth, ${columnsOf(dialect)})`, column: (name) => sql`t.${identifier(name)}` }).rows;
}
/** Chains of one dataset, over the rows of edges. */
export function ownChains(seed: number): () => Chain {
  const forge = new Forge(seed, input);
  return () => { const { fused, kinds } = forge.chain(); return { fused, kinds, printed: (dialect) => chained(dialect, fused) }; };
}
/** Chains with joins and unions, over datasets of their own. */
export function joinedChains(seed: number): () => Chain & { readonly of: JoinCase } {
  const forge = new JoinForge(seed);
  return () => { const of = nextCase(forge); return { of, fused: of.fused, kinds: of.fused.stages.map((stage) => (stage.op === 'join' ? `${stage.kind} join` : stage.op)), printed: (dialect) => printedCase(dialect, of).rows }; };
}
