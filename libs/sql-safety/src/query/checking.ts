import type { ColumnType, Query, QueryFrom, QueryValue } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import type { CheckedFrom, CheckedQuery, CheckedValue, Output, Presence, SortKey } from './checked.ts';
import { Names } from './names.ts';
import { type QueryPolicy, type Schema, relationKey } from './policy.ts';
import type { Scope, ScopeColumn, ScopeRelation } from './scope.ts';

export type Ctes = ReadonlyMap<string, { readonly name: string; readonly outputs: readonly Output[] }>;
/** Where a value stands, and so what it may hold.
 * @property aliases names of the list of columns, which stand for their values where no column has that name
 * @property opened aliases that are being read: one that names itself is refused
 * @property isKey whether it is a name alone that groups are made by: there it is an alias in every dialect */
export interface Place { readonly scope: Scope; readonly ctes: Ctes; readonly aliases: ReadonlyMap<string, QueryValue>; readonly opened: readonly string[]; readonly aggregates: boolean; readonly windows: boolean; readonly isKey?: boolean; readonly ties?: Ties }
/** What tells two rows apart that an order leaves equal. Of groups it is known only when all columns are. */
export interface Ties { asked: boolean; of: readonly SortKey[] }
/** A FROM that was checked: what is printed, what is seen, and the semi and anti joins that become conditions. */
export interface Opened { readonly from: CheckedFrom; readonly relations: readonly ScopeRelation[]; readonly visible: readonly ScopeColumn[]; readonly presences: readonly Presence[] }

/** Names that a schema has, of relations and of columns: every query over it asks for them. */
const known = new WeakMap<Schema, Record<'relations' | 'columns', ReadonlySet<string>>>();
function namesOf(schema: Schema): Record<'relations' | 'columns', ReadonlySet<string>> {
  const there = known.get(schema);
  if (there) return there;
  const names = { relations: new Set(schema.map(({ parts }) => parts.at(-1)!.toLowerCase())), columns: new Set(schema.flatMap(({ columns }) => columns.map(({ name }) => name.toLowerCase()))) };
  known.set(schema, names);
  return names;
}
/** One check of one query: what is allowed, what was read, and what each part needs of the others. */
export class Checking {
  readonly schema: Schema;
  readonly policy: QueryPolicy;
  /** Names of WITH: none is that of a relation. */
  readonly names: Names;
  /** Names of relations in FROM: none is that of a column. */
  readonly aliases: Names;
  /** Columns that are read, by relation. */
  readonly reads = new Map<string, Set<string>>();
  readonly functions = new Set<string>();
  readonly notes = new Set<string>();
  /** Parts as they call each other; set once, by `checkQuery`. */
  parts!: {
    value(value: QueryValue, place: Place, expect?: ColumnType): CheckedValue;
    from(from: QueryFrom, around: { readonly scope: Scope | null; readonly ctes: Ctes; readonly depth: number }): Opened;
    query(query: Query, around: { readonly scope: Scope | null; readonly ctes: Ctes; readonly depth: number }): CheckedQuery;
  };
  private readonly spent = { nodes: 0, joins: 0, ctes: 0, relations: 0, sets: 0 };
  constructor(schema: Schema, policy: QueryPolicy) {
    this.schema = schema;
    this.policy = policy;
    const { relations, columns } = namesOf(schema);
    this.names = new Names(relations);
    this.aliases = new Names(columns);
  }
  /** @throws Refusal `SQL_LIMIT` */
  spend(what: 'nodes' | 'joins' | 'ctes' | 'relations' | 'sets', n = 1): void {
    this.spent[what] += n;
    if (this.spent[what] > this.policy.limits[what]) throw new Refusal('SQL_LIMIT', `A query has at most ${this.policy.limits[what]} ${what === 'nodes' ? 'parts' : what === 'sets' ? 'set operations' : what}`);
  }
  /** @throws Refusal `SQL_POLICY` */
  allow(what: 'query' | 'subquery' | 'cte' | 'star' | 'window' | 'clock', says: string): void {
    if (!this.policy[what]) throw new Refusal('SQL_POLICY', `The policy allows no ${says} here`);
  }
  read(relation: string, column: string | null): void {
    const columns = this.reads.get(relation) ?? new Set();
    if (column !== null) columns.add(column);
    this.reads.set(relation, columns);
  }
  /** Relations that a name means: all its parts, read from the right. */
  relationsOf(name: readonly string[]): Schema {
    const asked = name.map((part) => part.toLowerCase());
    const alike = this.schema.filter(({ parts }) => asked.length <= parts.length && asked.every((part, index) => parts.at(index - asked.length)!.toLowerCase() === part));
    if (alike.length < 2 || name.length > 1) return alike;
    const standard = alike.filter(({ parts }) => parts.length === 1 || parts[0] === 'public' || parts[0] === 'main');
    return standard.length ? standard : alike;
  }
  keys(): readonly string[] { return this.schema.map(relationKey); }
}
