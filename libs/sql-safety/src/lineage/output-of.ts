import { type Expr, type JoinStage, type OtherInput, type QueryStage, type Stage, addressOf } from '@agent-etl/contracts';
import { type Place, queryOrigins } from './query-origins.ts';

/** Columns of the source that a value was made of, sorted; one of another dataset stands behind its address, as `lake:airports.csv.iata`.
 * @property from all of them, also those that only decide which value it is
 * @property clear those that no mask stands before: what they say may be read from the value, or from a part of it. Every calculation hands it on, but a mask, a count and a rank */
export interface Origin { readonly from: readonly string[]; readonly clear: readonly string[] }
export interface OutputColumn extends Origin { readonly name: string }

/** What each column behind a transform was made of. It is read from the stages alone, so a stored plan cannot say otherwise than it does.
 * Which rows there are is no value: a filter, an order and the key of a dedupe leave no trace. A name that is no column is taken for all of them. */
export function outputOf({ input, stages, inputs = [] }: { readonly input: readonly { readonly name: string }[]; readonly stages: readonly Stage[]; readonly inputs?: readonly Pick<OtherInput, 'source' | 'columns'>[] | undefined }): readonly OutputColumn[] {
  const others = inputs.map(({ source, columns }): Columns => columns.map(({ name }) => { const whole = `${addressOf(source)}.${name}`; return { name, from: [whole], clear: [whole] }; }));
  return stages.reduce((columns, stage) => (stage.op === 'query' ? asked(stage, { columns, others, inputs }) : after(columns, stage, others)), input.map(({ name }): OutputColumn => ({ name, from: [name], clear: [name] })) as Columns);
}
type Columns = readonly OutputColumn[];

interface Around { readonly columns: Columns; readonly others: readonly Columns[]; readonly inputs: readonly Pick<OtherInput, 'columns'>[] }
/** A query that does not fit what stands there is made of everything. */
function asked(stage: QueryStage, { columns, others, inputs }: Around): Columns {
  const found = queryOrigins(stage, { names: columns.map(({ name }) => name), inputs });
  if (!found) return stage.columns.map(({ name }) => ({ name, ...merged([...columns, ...others.flat()]) }));
  const at = ({ input, column }: Place): Origin => named(input === null ? columns : others[input] ?? [], column);
  return found.map(({ name, from, clear }) => ({ name, from: merged(from.map(at)).from, clear: merged(clear.map(at)).clear }));
}

function after(columns: Columns, stage: Exclude<Stage, QueryStage>, others: readonly Columns[]): Columns {
  const of = (name: string): Origin => named(columns, name);
  switch (stage.op) {
    case 'rows': return stage.columns.map(({ name, expr }) => ({ name, ...originOf(expr, of) }));
    case 'first': case 'limit': return columns;
    case 'group': return [...stage.by.map((name) => ({ name, ...of(name) })), ...stage.measures.map(({ as, fn, arg, where }) => {
      const [value, condition] = [arg ? originOf(arg, of) : nothing, where ? originOf(where, of) : nothing];
      return { name: as, ...(fn === 'count' || fn === 'count_distinct' ? counted(merged([value, condition])) : merged([value, counted(condition)])) };
    })];
    case 'join': return [...columns, ...stage.take.map(({ column, as }) => ({ name: as, ...taken(column, { stage, columns, other: others[stage.input] ?? [] }) }))];
    case 'union': return unitedColumns([columns, ...stage.inputs.map((index) => others[index] ?? [])]);
    case 'flatten': return [...columns, { name: stage.as, ...of(stage.column) }];
    case 'unpivot': return [...stage.keep.map((name) => ({ name, ...of(name) })), { name: stage.nameTo, ...nothing }, { name: stage.valueTo, ...merged(stage.columns.map(of)) }];
    case 'window': {
      const around = counted(merged([...stage.partition.map(of), ...stage.order.map(({ e }) => originOf(e, of))]));
      return [...columns, ...stage.columns.map(({ as, fn, arg }) => ({ name: as, ...(arg && fn !== 'count' ? originOf(arg, of) : merged([around, arg ? counted(originOf(arg, of)) : nothing])) }))];
    }
  }
}

/** A key of the other dataset that a row finds says what the key of the row says: it is made of both. */
function taken(column: string, { stage, columns, other }: { readonly stage: JoinStage; readonly columns: Columns; readonly other: Columns }): Origin {
  const equal = stage.on.filter(({ right }) => right.toLowerCase() === column.toLowerCase());
  return merged([named(other, column), ...equal.map(({ left }) => named(columns, left))]);
}
/** Columns of several datasets by their names: each is made of all that have it. */
function unitedColumns(parts: readonly Columns[]): Columns {
  const names = [...new Set(parts.flatMap((part) => part.map(({ name }) => name)))];
  return names.map((name) => ({ name, ...merged(parts.flatMap((part) => part.filter((column) => column.name === name))) }));
}
/** The column of a name as the checker finds it: by its spelling, or by the only one that differs in case alone. */
function named(columns: Columns, name: string): Origin {
  const exact = columns.find((column) => column.name === name);
  const alike = exact ? [exact] : columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  return merged(alike.length === 1 ? alike : columns);
}
const nothing: Origin = { from: [], clear: [] };
/** A number that tells how many there are, and of none what it says. */
const counted = ({ from }: Origin): Origin => ({ from, clear: [] });
const united = (lists: readonly (readonly string[])[]): readonly string[] => [...new Set(lists.flat())].sort((a, b) => (a < b ? -1 : 1));
const merged = (origins: readonly Origin[]): Origin => ({ from: united(origins.map(({ from }) => from)), clear: united(origins.map(({ clear }) => clear)) });

function originOf(expr: Expr, of: (name: string) => Origin): Origin {
  const go = (child: Expr): Origin => originOf(child, of);
  switch (expr.k) {
    case 'lit': return nothing;
    case 'col': return of(expr.name);
    case 'mask': return counted(go(expr.e));
    case 'call': return merged(expr.args.map(go));
    case 'bin': return merged([go(expr.l), go(expr.r)]);
    case 'neg': case 'not': case 'isNull': case 'like': case 'cast': return go(expr.e);
    case 'and': case 'or': return merged(expr.es.map(go));
    case 'between': return merged([go(expr.e), go(expr.lo), go(expr.hi)]);
    case 'in': return merged([go(expr.e), ...expr.es.map(go)]);
    case 'case': return merged([...expr.whens.flatMap(({ when, then }) => [go(when), go(then)]), go(expr.else)]);
  }
}
