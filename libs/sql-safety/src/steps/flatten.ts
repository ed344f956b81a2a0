import type { ColumnType, Stage } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import { Refusal } from '../refusal.ts';
import { withItems } from '../render/json-forms.ts';
import type { ExprDialect } from '../render/types.ts';
import type { JsonStep } from './json.ts';
import type { Printed, StageScope } from './stage-scope.ts';
import { type State, behind, named } from './state.ts';

/** A row for each item of a list of JSON, of which values are taken by their paths. The item itself never leaves the step: engines spell objects differently. */
export interface FlattenStep { readonly op: 'flatten'; readonly column: string; readonly fields: JsonStep['fields']; readonly empty: 'keep' | 'drop' }
type FlattenStage = Extract<Stage, { op: 'flatten' }>;
const json: ColumnType = { kind: 'json' };

function assertList({ column }: Pick<FlattenStage, 'column'>, input: InputColumns): void {
  const kind = input.get(column)?.kind;
  if (kind !== 'json' && kind !== 'text') throw new Refusal('SQL_TYPE', `A list of JSON is needed, this is ${kind ?? 'nothing'}`);
}

/** @param state without row-wise steps that wait
 * @returns the state with a column more, and the name of it: it holds the item, and is for the caller to drop */
export function flattened({ column, fields, empty }: FlattenStep, state: State): { readonly state: State; readonly item: string } {
  const { name } = named(state.held, column);
  const taken = new Set([...state.held.map((each) => each.name.toLowerCase()), ...fields.map(({ as }) => as.toLowerCase())]);
  let item = 'item';
  while (taken.has(item)) item = `${item}_`;
  const stage: Stage = { op: 'flatten', column: name, as: item, empty };
  assertList(stage, state.input);
  return { item, state: behind({ ...state, stages: [...state.stages, stage] }, [...state.held, { name: item, type: json, source: null }]) };
}

export function printFlatten<D extends ExprDialect>(stage: FlattenStage, scope: StageScope<D>): Printed<D> {
  assertList(stage, scope.types);
  const { sql, dialect } = scope;
  const from = withItems(dialect, scope.from, { list: scope.passing(stage.column), empty: stage.empty });
  const types = new Map<string, ColumnType>([...scope.types, [stage.as, json]]);
  return { types, rows: sql`SELECT ${scope.listed([...scope.names.map((name) => scope.column(name)), sql`items.item`])} FROM ${from}` };
}
