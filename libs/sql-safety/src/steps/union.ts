import type { ColumnType, UnionStage } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import { commonType, isUsable } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { passable } from './join.ts';
import { type Side, collated, listed } from './side.ts';

const sameType = (a: ColumnType, b: ColumnType): boolean => a.kind === b.kind && a.precision === b.precision && a.scale === b.scale;
/** Columns of a union: those of the rows, then those that only others have, each of a type that holds all its values.
 * @throws Refusal `SQL_TYPE`, `STEP_COLUMN_CLASH` */
export function unionColumns({ distinct }: Pick<UnionStage, 'distinct'>, parts: readonly InputColumns[]): InputColumns {
  const columns = new Map<string, ColumnType>();
  for (const part of parts) {
    for (const [name, type] of part) {
      const before = columns.get(name);
      columns.set(name, passable(before && !sameType(before, type) ? commonType(before, type) : type));
    }
  }
  const folded = [...columns.keys()].map((name) => name.toLowerCase());
  if (new Set(folded).size !== folded.length) throw new Refusal('STEP_COLUMN_CLASH', 'Two datasets spell one column in two ways; rename it before the union');
  for (const { kind } of distinct ? columns.values() : []) if (!isUsable({ kind }) || kind === 'f64' || kind === 'f32') throw new Refusal('SQL_TYPE', `Rows are not told apart by a column of ${kind}; cast it first, or leave distinct out`);
  return columns;
}

/** @property counted one row: `l` rows before it, `r` rows of the others, `o` rows behind it */
export interface PrintedUnion<D extends ExprDialect> { readonly rows: SqlFragment<D>; readonly types: InputColumns; readonly counted: SqlFragment<D> }
export function printUnion<D extends ExprDialect>(dialect: D, stage: UnionStage, [first, ...others]: readonly [Side<D>, ...Side<D>[]]): PrintedUnion<D> {
  const sql = sqlFor(dialect);
  const types = unionColumns(stage, [first, ...others].map((side) => side.types));
  const select = (side: Side<D>): SqlFragment<D> => sql`SELECT ${listed(dialect, [...types].map(([name, type]) => collated(dialect, type, sql`CAST(${side.types.has(name) ? side.value(name) : sql`NULL`} AS ${typeIn(dialect, type)})`)))} FROM ${side.from}`;
  const rows = joinSql([first, ...others].map(select), stage.distinct ? sql` UNION ` : sql` UNION ALL `);
  const text = typeIn(dialect, { kind: 'text' });
  const count = (from: SqlFragment<D>): SqlFragment<D> => sql`(SELECT count(*) FROM ${from})`;
  const rest = joinSql(others.map(({ from }) => count(from)), sql` + `);
  const out = stage.distinct ? count(sql`(${rows}) AS united`) : sql`${count(first.from)} + ${rest}`;
  return { rows, types, counted: sql`SELECT CAST(${count(first.from)} AS ${text}) AS l, CAST(${rest} AS ${text}) AS r, CAST(${out} AS ${text}) AS o` };
}
