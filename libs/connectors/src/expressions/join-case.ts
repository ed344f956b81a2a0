import type { ColumnType, Stage, Transform } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type PrintedTransform, type SqlFragment, identifier, joinSql, literal, nativeOf, printTransform, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { Forged, JoinForge } from './join-forge.ts';

const decimal = (precision: number, scale: number): ColumnType => ({ kind: 'dec', precision, scale });
const shapes: readonly Readonly<Record<string, ColumnType>>[] = [
  { a: { kind: 'i32' }, b: { kind: 'i64' }, c: decimal(12, 2), d: { kind: 'f64' }, e: { kind: 'text' }, g: { kind: 'bool' }, h: { kind: 'date' }, i: { kind: 'ts' } },
  { a: { kind: 'i64' }, e: { kind: 'text' }, g: { kind: 'bool' }, z: decimal(12, 2) }, { a: { kind: 'i32' }, c: decimal(10, 3), e: { kind: 'text' }, h: { kind: 'ts' }, y: { kind: 'text' } },
];
/** A random chain with joins or unions, and the datasets that it is over. */
export interface JoinCase { readonly fused: Fused; readonly data: readonly Forged[] }

export function nextCase(forge: JoinForge): JoinCase {
  const data = shapes.map((shape) => forge.dataset(shape));
  const [first, ...others] = data.map(({ columns }) => columns);
  return { data, fused: forge.chain(first!, others) };
}
/** A dataset as a FROM list. There are no VALUES of no rows. */
function from<D extends ExprDialect>(dialect: D, { columns, rows }: Forged, as: 'source' | 'other'): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const typed = (row: readonly (string | null)[]): SqlFragment<D> => joinSql([...columns].map(([, type], index) => sql`CAST(${literal(dialect, row[index] ?? null)} AS ${typeName(dialect, nativeOf(dialect, type)!)})`), sql`, `);
  const values = joinSql((rows.length ? rows : [[]]).map((row) => sql`(${typed(row)})`), sql`, `);
  const names = joinSql([...columns.keys()].map((name) => sql`${identifier(name)}`), sql`, `);
  return sql`(SELECT * FROM (VALUES ${values}) AS t(${names})${rows.length ? sql`` : sql` WHERE false`}) AS ${identifier(as)}`;
}
/** The chain, or other stages over the same datasets, as a statement of an engine. */
export function printedCase<D extends ExprDialect>(dialect: D, { data, fused }: JoinCase, stages: readonly Stage[] = fused.stages): PrintedTransform<D> {
  const sql = sqlFor(dialect);
  const columnsOf = ({ columns }: Forged): Transform['input'] => [...columns].map(([name, type]) => ({ name, type, native: '', nullable: true }));
  const [first, ...others] = data as [Forged, ...Forged[]];
  const inputs = others.map((other, index) => ({ source: { connection: 'x', dataset: String(index) }, columns: columnsOf(other), unread: [], fingerprint: 'a'.repeat(64), options: {} }));
  return printTransform(dialect, { input: columnsOf(first), stages: [...stages], inputs }, {
    from: from(dialect, first, 'source'), column: (name) => sql`source.${identifier(name)}`, inputs: others.map((other) => ({ from: from(dialect, other, 'other'), column: (name) => sql`other.${identifier(name)}` })) });
}
