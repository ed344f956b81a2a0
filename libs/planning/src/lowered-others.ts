import { type Expr, type Order, type Step, addressOf, datasetAt, otherDatasets, relationsOf } from '@agent-etl/contracts';
import type { LoweredStep } from '@agent-etl/sql-safety';

/** Which of the other datasets of a pipeline an address names. */
export function numbered(steps: readonly Step[]): (address: string) => number {
  const others = otherDatasets(steps).map(addressOf);
  return (address) => others.indexOf(addressOf(datasetAt(address)));
}
const column = (name: string): Expr => ({ k: 'col', name });
export const lowerOrder = ({ column: name, dir = 'asc', nulls = 'last' }: { readonly column: string; readonly dir?: Order['dir'] | undefined; readonly nulls?: Order['nulls'] | undefined }): Order => ({ e: column(name), dir, nulls });
/** A stored object does not keep the order of its keys: pairs stand in the order of their names. */
const sorted = (names: Readonly<Record<string, string>>): [string, string][] => Object.entries(names).sort(([a], [b]) => (a < b ? -1 : 1));
const taken = (take: Readonly<Record<string, string>> = {}) => sorted(take).map(([as, name]) => ({ column: name, as }));

export function lowerJoin({ right, kind = 'inner', on, take, nullSafe = false, matches }: NonNullable<Step['join']>, number: (address: string) => number): LoweredStep {
  return { op: 'join', input: number(right), kind, on: sorted(on).map(([left, other]) => ({ left, right: other, nullSafe })), take: taken(take), matches: matches ?? (kind === 'left' ? 'one' : 'many'), misses: 'pass' };
}
/** A lookup is a join that finds one row: a second one for a key stops the run, or an order says which is meant. */
export function lowerLookup({ dim, on, take, prefer, onMiss = 'keep' }: NonNullable<Step['lookup']>, number: (address: string) => number): LoweredStep {
  return { op: 'join', input: number(dim), kind: onMiss === 'drop' ? 'inner' : 'left', on: sorted(on).map(([left, right]) => ({ left, right, nullSafe: false })), take: taken(take), matches: 'one', misses: onMiss === 'fail' ? 'fail' : 'pass',
    ...(prefer ? { prefer: prefer.map(lowerOrder) } : {}) };
}
/** Relations of a query, each with its number. */
export const lowerRelations = (query: NonNullable<Step['query']>, number: (address: string) => number) => relationsOf(query).map(([name, address]) => ({ name, input: number(address) }));
export const lowerUnion = ({ with: others, distinct = false }: NonNullable<Step['union']>, number: (address: string) => number): LoweredStep => ({ op: 'union', inputs: others.map(number), distinct });
