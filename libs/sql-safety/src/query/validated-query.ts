import { SqlSafetyError } from '../errors.ts';
import type { CheckedQuery, Output } from './checked.ts';

/** A query that was resolved, typed and bounded. Its tree is kept where only the printers of this lib find it.
 * @property outputs columns that it gives, with their types, what they come from and how
 * @property reads relations that it reads, with the columns of each
 * @property functions of the registry that it calls
 * @property notes what a reader should know of its meaning */
export class ValidatedQuery {
  readonly #proof = true;
  readonly outputs: readonly Output[];
  readonly reads: readonly { readonly relation: string; readonly columns: readonly string[] }[];
  readonly functions: readonly string[];
  readonly notes: readonly string[];
  constructor(outputs: readonly Output[], { reads, functions, notes }: Seen) {
    this.outputs = frozenCopy(outputs);
    this.reads = frozenCopy([...reads].map(([relation, columns]) => ({ relation, columns: [...columns].sort() })).sort((a, b) => (a.relation < b.relation ? -1 : 1)));
    this.functions = frozenCopy([...functions].sort());
    this.notes = frozenCopy([...notes].sort());
    void this.#proof;
  }
}
interface Seen { readonly reads: ReadonlyMap<string, ReadonlySet<string>>; readonly functions: ReadonlySet<string>; readonly notes: ReadonlySet<string> }
const trees = new WeakMap<object, CheckedQuery>();

export function mintQuery(tree: CheckedQuery, seen: Seen): ValidatedQuery {
  const validated = new ValidatedQuery(tree.outputs, seen);
  Object.freeze(validated);
  trees.set(validated, tree);
  return validated;
}
/** @throws SqlSafetyError `SQL_NOT_MINTED` */
export function treeOf(validated: unknown): CheckedQuery {
  const tree = typeof validated === 'object' && validated !== null ? trees.get(validated) : undefined;
  if (!tree) throw new SqlSafetyError('SQL_NOT_MINTED', 'only a checked query is printed');
  return tree;
}
/** What a caller may not change, and what is not the schema's own. */
function frozenCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item: unknown) => frozenCopy(item))) as T;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, child]) => [key, frozenCopy(child as unknown)]))) as T;
}
