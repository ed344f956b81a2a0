import { type ColumnType, type Expr, MOST_INPUTS, type MaskMethod, type Measure, type Order, type Stage, type UnionStage } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import { checkMeasure } from '../check/check-measure.ts';
import { bool } from '../check/type-rules.ts';
import { isName } from '../ident/identifier.ts';
import { Refusal } from '../refusal.ts';
import type { ExprDialect } from '../render/types.ts';
import { combine, joinsIn } from './combine.ts';
import { type FlattenStep, flattened } from './flatten.ts';
import { type LoweredJoin, hasDigits } from './join.ts';
import { type JsonStep, jsonColumns } from './json.ts';
import { type Fused, type Held, type HandingOff, type State, assertForm, behind, comparable, flushed, inTerms, isUntouched, named, ordered, plain } from './state.ts';
import { assertMade, assertStage } from './stage-forms.ts';
import { type LoweredQuery, queried } from './query.ts';
import { type UnpivotStep, unpivoted } from './unpivot.ts';
import { type WindowStep, windowed } from './window.ts';

/** Steps whose texts were lowered. */
export type LoweredStep =
  | { readonly op: 'filter'; readonly where: Expr }
  | { readonly op: 'derive'; readonly columns: readonly { readonly as: string; readonly expr: Expr }[] }
  | { readonly op: 'select' | 'drop'; readonly columns: readonly string[] }
  | { readonly op: 'rename'; readonly names: ReadonlyMap<string, string> }
  | { readonly op: 'cast'; readonly column: string; readonly to: ColumnType; readonly onError: 'fail' | 'null' | 'quarantine'; readonly format?: string }
  | { readonly op: 'group'; readonly by: readonly string[]; readonly measures: readonly Measure[] }
  | { readonly op: 'first'; readonly keys: readonly string[]; readonly order: readonly Order[] }
  | { readonly op: 'limit'; readonly order: readonly Order[]; readonly n: number; readonly offset: number }
  | { readonly op: 'sort'; readonly order: readonly Order[] }
  | { readonly op: 'mask'; readonly column: string; readonly method: MaskMethod; readonly value: string | null; readonly key?: string }
  | FlattenStep | JsonStep | UnpivotStep | WindowStep | LoweredJoin | UnionStage | LoweredQuery;

/** @property at called with the number of a step before it is applied: a refusal is about that one
 * @property dialect of the engine that will compute the steps: what it has no form for is refused here, not when the rows are read
 * @property inputs columns of the other datasets, by their number
 * @property handsOff where rows are handed to DuckDB: at the first join or union, or before everything. Left out: one engine computes all */
export interface Fusing { readonly at?: (step: number) => void; readonly dialect?: ExprDialect; readonly inputs?: readonly InputColumns[]; readonly handsOff?: HandingOff }

/** Applies steps one after the other to the columns of an input.
 * @throws Refusal `SQL_COLUMN`, `STEP_COLUMN_CLASH`, `SQL_IDENTIFIER`, `SQL_NO_FORM`, and what `checkExpression` refuses */
export function fuseSteps(steps: readonly LoweredStep[], input: InputColumns, { at = () => undefined, dialect, inputs = [], handsOff }: Fusing = {}): Fused {
  const fresh: State = { inputs, handsOff, handOff: undefined, stages: [], input, held: [...input].map(([name, type]) => ({ name, type, expr: { k: 'col', name }, source: name })), conditions: [], misfits: [], dialect: dialect ?? null };
  const begin = handsOff === 'at-once' ? handedOff(fresh) : fresh;
  const end = steps.reduce((state, step, index) => { at(index); return refuseNames(withForms(applied(withOrder(step, steps, index), state), state), input); }, begin);
  const { stages, handOff } = end.stages.length && isUntouched(end) ? end : flushed(end);
  return { stages, columns: end.held.map(plain), ...(handOff ? { handOff } : {}) };
}
/** Rows have no order between steps: a sort is the order of the limit behind it, and nothing else. */
function withOrder(step: LoweredStep, steps: readonly LoweredStep[], index: number): LoweredStep {
  const [before, after] = [steps[index - 1], steps[index + 1]];
  if (step.op === 'sort' && !(after?.op === 'limit' && !after.order.length)) throw new Refusal('STEP_SORT_LOST', 'A sort says which rows a limit keeps, and stands right before one without by; rows are written in no order');
  if (step.op !== 'limit' || step.order.length) return step;
  if (before?.op !== 'sort') throw new Refusal('STEP_ORDER_NOT_TOTAL', 'Which rows come first is not said; give by, or a sort right before');
  return { ...step, order: before.order };
}

/** @throws Refusal `SQL_NO_FORM` for a stage that the engine has none for */
function withForms(next: State, { stages: { length } }: State): State {
  const { dialect, stages, held } = next;
  if (dialect && stages.length > length) {
    for (const stage of stages.slice(length)) assertStage(dialect, stage);
    assertMade(dialect, held);
  }
  return next;
}

function applied(step: LoweredStep, state: State): State {
  const { held } = state;
  switch (step.op) {
    case 'filter': return { ...state, conditions: [...state.conditions, inTerms(step.where, state, bool).expr] };
    case 'select': return { ...state, held: step.columns.map((name) => named(held, name)) };
    case 'drop': { const gone = step.columns.map((name) => named(held, name)); return { ...state, held: kept(held.filter((column) => !gone.includes(column))) }; }
    case 'rename': {
      const renamed = new Map([...step.names].map(([from, to]) => [named(held, from), to]));
      return { ...state, held: held.map((column) => ({ ...column, name: renamed.get(column) ?? column.name })), misfits: state.misfits.map((each) => ({ ...each, name: step.names.get(each.name) ?? each.name })) };
    }
    case 'cast': return casted(step, state);
    case 'derive': return derived(state, step.columns);
    case 'group': return grouped(step, flushed(state));
    case 'first': { const next = flushed(state); return { ...next, stages: [...next.stages, { op: 'first', keys: step.keys.map((name) => comparable(next.held, name).name), order: ordered(step.order, next) }] }; }
    case 'sort': ordered(step.order, state); return state;
    case 'mask': return derived(state, [{ as: named(held, step.column).name, expr: { k: 'mask', e: { k: 'col', name: step.column }, method: step.method, v: step.value, ...(step.key === undefined ? {} : { key: step.key }) } }]);
    case 'json': return derived(state, jsonColumns(step));
    case 'flatten': {
      const { state: next, item } = flattened(step, flushed(state));
      const made = derived(next, jsonColumns({ column: item, fields: step.fields }));
      return { ...made, held: made.held.filter(({ name }) => name !== item) };
    }
    case 'unpivot': return unpivoted(step, flushed(state));
    case 'window': return windowed(step, flushed(state));
    case 'limit': { const next = flushed(state); return { ...next, stages: [...next.stages, { op: 'limit', order: ordered(step.order, next), n: step.n, offset: step.offset }] }; }
    case 'join': case 'union': return combined(step, flushed(state));
    case 'query': return asked(step, flushed(state));
  }
}

function combined(step: LoweredJoin | UnionStage, state: State): State {
  const next = state.handsOff && !state.handOff ? handedOff(state) : state;
  if (joinsIn(next.stages) + joinsIn([step]) > MOST_INPUTS) throw new Refusal('SQL_LIMIT', `There are more than ${MOST_INPUTS} joins and unions`);
  const { stage, columns } = combine(step, next.held.map(plain), next.inputs);
  return behind({ ...next, stages: [...next.stages, stage] }, columns);
}
function asked(step: LoweredQuery, state: State): State {
  const next = step.relations.length && state.handsOff && !state.handOff ? handedOff(state) : state;
  if (joinsIn(next.stages) + joinsIn([step]) > MOST_INPUTS) throw new Refusal('SQL_LIMIT', `There are more than ${MOST_INPUTS} joins and unions`);
  if (next.dialect) assertStage(next.dialect, step);
  const { stage, columns } = queried(step, { ...next, held: next.held.map(plain) });
  return behind({ ...next, stages: [...next.stages, stage] }, columns);
}
/** From here on DuckDB computes: what it has no type for cannot come along. */
function handedOff(state: State): State {
  const lost = state.held.find(({ type }) => type.kind === 'other' || !hasDigits(type));
  if (lost) throw new Refusal('SQL_TYPE', `The rows are handed to another engine here, and ${lost.type.kind === 'dec' ? 'a decimal without declared digits, or of more than any engine has,' : 'a type that only its own engine knows'} cannot come along; drop the column before, or cast it`);
  return { ...state, dialect: 'duckdb', handOff: { after: state.stages.length, columns: state.held.map(plain) } };
}

function derived(state: State, columns: readonly { readonly as: string; readonly expr: Expr }[]): State {
  // A copy is the column that it copies, with its type as the engine spells it.
  const made = columns.map(({ as, expr }): Held => {
    const copied = expr.k === 'col' ? state.held.find(({ name }) => name === expr.name) : undefined;
    return { name: as, source: copied?.source ?? null, ...(copied?.padded ? { padded: true } : {}), ...inTerms(expr, state) };
  });
  return { ...state, held: [...state.held.map((column) => made.find(({ name }) => name === column.name) ?? column), ...made.filter(({ name }) => !state.held.some((column) => column.name === name))] };
}
function casted({ column, to, onError, format }: Extract<LoweredStep, { op: 'cast' }>, state: State): State {
  const { name } = named(state.held, column);
  const cast: Expr = { k: 'cast', e: { k: 'col', name }, to, onError: onError === 'fail' ? 'fail' : 'null', ...(format === undefined ? {} : { format }) };
  const next = derived(state, [{ as: name, expr: cast }]);
  if (onError !== 'quarantine') return next;
  const misfit = inTerms({ k: 'and', es: [{ k: 'isNull', e: { k: 'col', name }, neg: true }, { k: 'isNull', e: cast, neg: false }] }, state, bool).expr;
  return { ...next, misfits: [...next.misfits, { name, expr: misfit }] };
}
function grouped({ by, measures }: Extract<LoweredStep, { op: 'group' }>, state: State): State {
  const keys = by.map((name) => comparable(state.held, name));
  const values = measures.map((measure) => checkMeasure(measure, state.input));
  for (const { arg, where } of values) for (const each of [arg, where]) if (each) assertForm(each, state);
  const stage: Stage = { op: 'group', by: keys.map(({ name }) => name), measures: values.map(({ as, fn, arg, where }) => ({ as, fn, arg: arg?.expr ?? null, where: where?.expr ?? null })) };
  return behind({ ...state, stages: [...state.stages, stage] }, [...keys.map(plain), ...values.map(({ as, type }) => ({ name: as, type, source: null }))]);
}
function kept(columns: readonly Held[]): readonly Held[] {
  if (!columns.length) throw new Refusal('SQL_COLUMN', 'No column is left');
  return columns;
}
/** Engines fold case: two names that differ in nothing else are one. PostgreSQL cuts a name that is longer than an identifier can be. */
function refuseNames(state: State, input: InputColumns): State {
  const tooLong = state.held.find(({ name }) => !input.has(name) && !isName(name));
  if (tooLong) throw new Refusal('SQL_IDENTIFIER', 'The name of a column has 1 to 63 bytes');
  const names = state.held.map(({ name }) => name.toLowerCase());
  if (new Set(names).size !== names.length) throw new Refusal('STEP_COLUMN_CLASH', 'Two columns would have one name');
  return state;
}
