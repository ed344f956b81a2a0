import type { ColumnType, QueryAggregate, QueryWindowFunction } from '@agent-etl/contracts';
import { MOST_DIGITS, asDecimal, bool, decimal, f64, i64, isNumber, isSortable, isUsable, isWhole, text } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';

/** Type that an argument is turned into; null leaves it as it is. */
type Wanted = ColumnType | null;
export interface AggregateSignature { readonly wanted: readonly Wanted[]; readonly type: ColumnType }
type Rule = (types: readonly ColumnType[]) => AggregateSignature;
interface AggregateRow { readonly least: number; readonly most: number; readonly rule: Rule; readonly others: readonly string[] }

const usable = (type: ColumnType | undefined, fn: string): ColumnType => {
  if (!type || !isUsable(type) || type.kind === 'bool' || type.kind === 'uuid' || type.kind === 'bytes') throw new Refusal('SQL_TYPE', `${fn} of ${type?.kind ?? 'nothing'} is not in every engine${type?.kind === 'bool' ? ': use bool_and or bool_or' : ''}`);
  return type;
};
const fixed = (wanted: readonly ColumnType[], type: ColumnType): Rule => () => ({ wanted, type });
const extreme = (fn: string): Rule => ([type]) => ({ wanted: [null], type: usable(type, fn) });
const ofKey = (fn: string): Rule => ([type, key]) => { usable(key, fn); if (!type || !isSortable(type)) throw new Refusal('SQL_TYPE', `${fn} of this type is not in every engine`); return { wanted: [null, null], type }; };
const sum: Rule = ([type = text]) => {
  if (!isNumber(type)) throw new Refusal('SQL_TYPE', `sum needs numbers, this is ${type.kind}; cast it`);
  return { wanted: [null], type: isWhole(type) ? i64 : type.kind === 'dec' ? decimal(MOST_DIGITS, asDecimal(type).s) : f64 };
};
const average: Rule = ([type = text]) => {
  if (!isNumber(type)) throw new Refusal('SQL_TYPE', `avg needs numbers, this is ${type.kind}; cast it`);
  if (type.kind === 'dec') asDecimal(type);
  return { wanted: [null], type: f64 };
};
const counted: Rule = (types) => ({ wanted: types.map(() => null), type: i64 });
const row = (least: number, most: number, rule: Rule, ...others: string[]): AggregateRow => ({ least, most, rule, others });
const [one, two] = [fixed([f64], f64), fixed([f64, f64], f64)];

/** Every aggregate of queries: arguments, types, and the other names that people know it by. */
const aggregates: Readonly<Record<QueryAggregate, AggregateRow>> = {
  avg: row(1, 1, average, 'mean'), bool_and: row(1, 1, fixed([bool], bool), 'every'), bool_or: row(1, 1, fixed([bool], bool), 'some'), corr: row(2, 2, two), count: row(0, 1, counted, 'count_star'), count_if: row(1, 1, fixed([bool], i64), 'countif'),
  covar_pop: row(2, 2, two), covar_samp: row(2, 2, two), max: row(1, 1, extreme('max')), max_by: row(2, 2, ofKey('max_by'), 'arg_max', 'argmax'), median: row(1, 1, one), min: row(1, 1, extreme('min')), min_by: row(2, 2, ofKey('min_by'), 'arg_min', 'argmin'),
  percentile_cont: row(2, 2, fixed([f64, f64], f64), 'quantile_cont'), percentile_disc: row(2, 2, ([type]) => ({ wanted: [null, f64], type: usable(type, 'percentile_disc') }), 'quantile_disc'),
  stddev_pop: row(1, 1, one), stddev_samp: row(1, 1, one, 'stddev'), string_agg: row(2, 2, fixed([text, text], text), 'group_concat', 'listagg'), sum: row(1, 1, sum), var_pop: row(1, 1, one), var_samp: row(1, 1, one, 'variance'),
};
export const aggregateIds = Object.keys(aggregates) as readonly QueryAggregate[];
const byName = new Map<string, QueryAggregate>(aggregateIds.flatMap((id) => [id, ...aggregates[id].others].map((name): [string, QueryAggregate] => [name, id])));
/** The aggregate that people call by a name, or null. */
export const aggregateNamed = (name: string): QueryAggregate | null => byName.get(name.toLowerCase()) ?? null;
/** What there is, for people. */
export const aggregateList = aggregateIds.map((id) => ({ id, least: aggregates[id].least, most: aggregates[id].most, others: aggregates[id].others }));

function arity(fn: string, given: number, [least, most]: readonly [number, number]): void {
  if (given < least || given > most) throw new Refusal('SQL_ARITY', `${fn} takes ${least === most ? least : `${least} to ${most}`} arguments`);
}
/** @throws Refusal `SQL_ARITY`, `SQL_TYPE` */
export function typeAggregate(fn: QueryAggregate, types: readonly ColumnType[]): AggregateSignature {
  const { least, most, rule } = aggregates[fn];
  arity(fn, types.length, [least, most]);
  return rule(types);
}

/** Number of arguments and type of what only stands before OVER; null is the type of the first argument. */
const windows: Readonly<Record<QueryWindowFunction, readonly [least: number, most: number, type: ColumnType | null]>> = {
  cume_dist: [0, 0, f64], dense_rank: [0, 0, i64], first_value: [1, 1, null], lag: [1, 3, null], last_value: [1, 1, null], lead: [1, 3, null], nth_value: [2, 2, null], ntile: [1, 1, i64], percent_rank: [0, 0, f64], rank: [0, 0, i64], row_number: [0, 0, i64],
};
/** Whether a frame says anything to it: engines refuse one before functions of rank. */
export const takesFrame = (fn: QueryAggregate | QueryWindowFunction): boolean => !Object.hasOwn(windows, fn) || fn === 'first_value' || fn === 'last_value' || fn === 'nth_value';
/** @throws Refusal `SQL_ARITY` */
export function typeWindow(fn: QueryWindowFunction, types: readonly ColumnType[]): ColumnType {
  const [least, most, type] = windows[fn];
  arity(fn, types.length, [least, most]);
  return type ?? types[0] ?? text;
}
export const isWindowFunction = (fn: QueryAggregate | QueryWindowFunction): fn is QueryWindowFunction => Object.hasOwn(windows, fn);
