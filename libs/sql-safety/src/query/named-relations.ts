import type { Query, QueryFrom } from '@agent-etl/contracts';
import { clockNamed } from '../registry/clocks.ts';

type Reads = Map<string, Set<string>>;
/** Names that a select knows its relations by, each with the relation; a relation of its own making has none. */
type Known = ReadonlyMap<string, string | null>;

/** Relations that a query names, and columns that are certainly theirs, without a schema: a name with its relation before the dot, or a name alone where there is one relation. Names of WITH are no relations where they hold. */
export function relationsNamedIn(query: Query): readonly { readonly relation: string; readonly columns: readonly string[] }[] {
  const reads: Reads = new Map();
  walkQuery(query, new Set(), reads);
  return [...reads].map(([relation, columns]) => ({ relation, columns: [...columns].sort() })).sort((a, b) => (a.relation < b.relation ? -1 : 1));
}
function walkQuery({ ctes, body, order }: Query, around: ReadonlySet<string>, reads: Reads): void {
  const names = new Set(around);
  for (const { name, query } of ctes) {
    walkQuery(query, new Set(names), reads);
    names.add(name.toLowerCase());
  }
  if (body.k === 'set') {
    walkQuery(body.left, names, reads);
    walkQuery(body.right, names, reads);
    return;
  }
  const known = new Map<string, string | null>();
  if (body.from) open(body.from, { names, known, reads, aliases: new Set() });
  const { from, items, ...rest } = body;
  const aliases = new Set(items.flatMap((item) => (item.k === 'value' && item.as !== null ? [item.as.toLowerCase()] : [])));
  const here: Here = { names, known, reads, aliases };
  walkValues([rest, order, joinConditions(from)], here);
  // The value of an item does not mean itself.
  for (const item of items) walkValues(item, { ...here, aliases: item.k === 'value' && item.as !== null ? without(aliases, item.as.toLowerCase()) : aliases });
}
const without = (names: ReadonlySet<string>, name: string): ReadonlySet<string> => new Set([...names].filter((each) => each !== name));
/** @property aliases names of the list of columns: without a schema nobody knows whether a column has that name, too */
interface Here { readonly names: ReadonlySet<string>; readonly known: Map<string, string | null>; readonly reads: Reads; readonly aliases: ReadonlySet<string> }
function open(from: QueryFrom, here: Here): void {
  switch (from.k) {
    case 'table': {
      const isCte = from.name.length === 1 && here.names.has(from.name[0]!.toLowerCase());
      const relation = isCte ? null : from.name.join('.');
      if (relation !== null && !here.reads.has(relation)) here.reads.set(relation, new Set());
      here.known.set((from.as ?? from.name.at(-1)!).toLowerCase(), from.columns.length ? null : relation);
      return;
    }
    case 'query': walkQuery(from.query, here.names, here.reads); here.known.set((from.as ?? ` ${here.known.size}`).toLowerCase(), null); return;
    case 'values': here.known.set((from.as ?? ` ${here.known.size}`).toLowerCase(), null); return;
    case 'join': open(from.left, here); open(from.right, here);
  }
}
const joinConditions = (from: QueryFrom | null): readonly unknown[] => (from?.k === 'join' ? [from.on, ...joinConditions(from.left), ...joinConditions(from.right)] : []);

/** Values hold uses, and uses hold values and queries: whatever the tree grows by, it is found. */
function walkValues(held: unknown, here: Here & { readonly known: Known }): void {
  if (Array.isArray(held)) { for (const item of held) walkValues(item, here); return; }
  if (typeof held !== 'object' || held === null) return;
  if ('ctes' in held && 'body' in held) { walkQuery(held as Query, here.names, here.reads); return; }
  if ('k' in held && held.k === 'column' && 'rel' in held && 'name' in held) note(held as { readonly rel: string | null; readonly name: string }, here);
  for (const child of Object.values(held)) walkValues(child, here);
}
function note({ rel, name }: { readonly rel: string | null; readonly name: string }, { known, reads, aliases }: Here): void {
  if (rel === null && aliases.has(name.toLowerCase())) return;
  const [only] = known.size === 1 ? known.values() : [];
  const relation = rel === null ? only : known.get(rel.toLowerCase());
  if (relation && !(rel === null && clockNamed(name))) reads.get(relation)?.add(name);
}
