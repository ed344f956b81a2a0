import { isTold, noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';
import type { CheckedSlot } from './checked.ts';

/** @property denied whether the policy forbids it */
export interface ScopeColumn { readonly name: string; readonly slot: CheckedSlot; readonly denied?: boolean }
/** @property names by which it is called before a dot, in lower case */
export interface ScopeRelation { readonly names: readonly string[]; readonly columns: readonly ScopeColumn[] }
/** What a query sees: its relations, the columns that need no relation before them (those of USING once), and the query around it. */
export interface Scope { readonly relations: readonly ScopeRelation[]; readonly visible: readonly ScopeColumn[]; readonly parent: Scope | null; readonly depth: number }

const folded = (name: string): string => name.toLowerCase();
/** The one column of a name, null where there is none. Spelling decides between names that differ in case only.
 * @throws Refusal `SQL_COLUMN` for several, `SQL_POLICY` for a forbidden one */
function only(columns: readonly ScopeColumn[], name: string): ScopeColumn | null {
  const alike = columns.filter((column) => folded(column.name) === folded(name));
  const [first, second] = alike.length > 1 ? alike.filter((column) => column.name === name) : alike;
  if (alike.length > 1 && (!first || second)) throw new Refusal('SQL_COLUMN', 'Several relations have a column of this name; name the relation before it');
  if (first?.denied) throw new Refusal('SQL_POLICY', 'The policy forbids to read this column');
  return first ?? null;
}

/** @param rel relation before the dot, or null
 * @returns null where no query around has it
 * @throws Refusal */
export function columnIn(scope: Scope, rel: string | null, name: string): ScopeColumn | null {
  if (rel === null) return only(scope.visible, name);
  const [relation, second] = relationsNamed(scope, rel);
  if (second) throw new Refusal('SQL_RELATION', 'Several relations have this name; give them aliases');
  if (!relation) return null;
  const column = only(relation.columns, name);
  if (!column) throw noSuch('column', name, { known: relation.columns.map((each) => each.name), where: isTold(rel) ? `in ${rel}` : 'in that relation' });
  return column;
}
export const relationsNamed = (scope: Scope, rel: string): readonly ScopeRelation[] => scope.relations.filter(({ names }) => names.includes(folded(rel)));

export const noColumn = (name: string, columns: readonly ScopeColumn[]): Refusal => noSuch('column', name, { known: columns.map((column) => column.name) });
/** All columns that a name without a relation may mean, from the inside out. */
export const allVisible = (scope: Scope | null): readonly ScopeColumn[] => (scope ? [...scope.visible, ...allVisible(scope.parent)] : []);
