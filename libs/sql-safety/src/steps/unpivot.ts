import type { ColumnType, Stage } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { commonType, isUsable, text } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { joinSql } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import type { Printed, StageScope } from './stage-scope.ts';
import { type State, behind, named } from './state.ts';

/** Columns to rows: one for each of them. `keep` null: all others. */
export interface UnpivotStep { readonly op: 'unpivot'; readonly keep: readonly string[] | null; readonly columns: readonly string[]; readonly nameTo: string; readonly valueTo: string; readonly nulls: 'keep' | 'drop' }
type UnpivotStage = Extract<Stage, { op: 'unpivot' }>;

/** The one type of all columns that become rows. @throws Refusal `SQL_TYPE`, `SQL_COLUMN` */
function typeOf({ columns }: Pick<UnpivotStage, 'columns'>, input: InputColumns): ColumnType {
  const [first = text, ...rest] = columns.map((name) => checkExpression({ k: 'col', name }, { input }).type);
  const type = rest.reduce(commonType, first);
  if (!isUsable(type)) throw new Refusal('SQL_TYPE', `A value of ${type.kind} can only pass; cast it first`);
  return type;
}

/** @param state without row-wise steps that wait */
export function unpivoted({ keep, columns, nameTo, valueTo, nulls }: UnpivotStep, state: State): State {
  const turned = columns.map((name) => named(state.held, name));
  if (new Set(turned).size !== turned.length) throw new Refusal('STEP_COLUMN_CLASH', 'A column is named twice');
  const kept = keep ? keep.map((name) => named(state.held, name)) : state.held.filter((column) => !turned.includes(column));
  const stage: Stage = { op: 'unpivot', keep: kept.map(({ name }) => name), columns: turned.map(({ name }) => name), nameTo, valueTo, nulls };
  return behind({ ...state, stages: [...state.stages, stage] }, [...kept, { name: nameTo, type: text, source: null }, { name: valueTo, type: typeOf(stage, state.input), source: null }]);
}

/** The input is read once, whatever the number of columns: each row meets a list of their places. */
export function printUnpivot<D extends ExprDialect>(stage: UnpivotStage, scope: StageScope<D>): Printed<D> {
  const { sql, dialect, types } = scope;
  const type = typeOf(stage, types);
  const value = (name: string) => sql`CAST(${scope.expression({ k: 'col', name }, type)} AS ${typeIn(dialect, type)})`;
  const places = joinSql(stage.columns.map((name, nth) => sql`(${literal(dialect, nth)}, CAST(${literal(dialect, name)} AS ${typeIn(dialect, text)}))`), sql`, `);
  const chosen = sql`CASE places.nth ${joinSql(stage.columns.map((name, nth) => sql`WHEN ${literal(dialect, nth)} THEN ${value(name)}`), sql` `)} END`;
  const rows = sql`SELECT ${scope.listed([...stage.keep.map((name) => scope.passing(name)), sql`places.name`, chosen])} FROM ${scope.from} CROSS JOIN (VALUES ${places}) AS places(nth, name)`;
  const kept = stage.nulls === 'drop' ? sql`${rows} WHERE ${chosen} IS NOT NULL` : rows;
  return { types: new Map<string, ColumnType>([...stage.keep.map((name): [string, ColumnType] => [name, scope.typeOf(name)]), [stage.nameTo, text], [stage.valueTo, type]]), rows: kept };
}
