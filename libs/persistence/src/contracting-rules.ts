import type { Migration } from './migration-class.ts';

type Judged = Omit<Migration, 'up' | 'down'>;
interface Rule { readonly says: string; readonly is: RegExp }
/** What the code of the release before cannot live with. Each is written so that a doubt counts as a breach. */
const rules: readonly Rule[] = [
  { says: 'drops a table, view, schema, type or sequence', is: /\bdrop\s+(table|view|materialized\s+view|schema|type|sequence|function)\b/ },
  { says: 'drops a column', is: /\bdrop\s+(column\s+)(if\s+exists\s+)?"?\w/ },
  { says: 'renames something', is: /\brename\s+(to|column|constraint)\b|\bset\s+schema\b/ },
  { says: 'changes the type of a column', is: /\balter\s+(column\s+)?"?\w+"?\s+(set\s+data\s+)?type\b/ },
  { says: 'forbids NULL where it was allowed', is: /\bset\s+not\s+null\b/ },
  { says: 'takes a default away', is: /\bdrop\s+default\b/ },
  { says: 'removes rows', is: /\btruncate\b|\bdelete\s+from\b/ },
  { says: 'takes a right or a policy away', is: /\brevoke\b|\bdrop\s+policy\b/ },
  { says: 'drops an index, which may be unique', is: /\bdrop\s+index\b/ },
];
const newTable = /\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?"?(\w+)"?/g;
const flat = (text: string): string => text.toLowerCase().replaceAll(/--[^\n]*/g, ' ').replaceAll(/'[^']*'/g, "''").replaceAll(/\s+/g, ' ');
/** Columns that are added in one statement: cut at commas outside brackets. */
const added = (text: string): string[] => [...text.matchAll(/\badd\s+column\s+(?:if\s+not\s+exists\s+)?((?:[^,()]|\([^)]*\))+)/g)].map(([, column = '']) => column);

/** What of a statement the release before could not live with; empty for one that only adds.
 * @param fresh tables that the same migration has made: nobody uses them yet
 * @param widens constraints of which the migration says that they allow all they allowed before */
export function contractionsIn(statement: string, { fresh, widens }: { fresh: ReadonlySet<string>; widens: ReadonlySet<string> }): string[] {
  const text = flat(statement);
  const table = /\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?"?(\w+)"?/.exec(text)?.[1] ?? /\bcreate\s+unique\s+index\b.*?\bon\s+"?(\w+)"?/.exec(text)?.[1];
  if (table && fresh.has(table)) return [];
  const found = rules.filter(({ is }) => is.test(text)).map(({ says }) => says);
  if (added(text).some((column) => /\bnot null\b/.test(column) && !/\bdefault\b|\bgenerated\b/.test(column))) found.push('adds a column that an insert of before leaves out');
  if (/^\s*create\s+unique\s+index\b/.test(text)) found.push('makes unique what was not');
  const constraint = /\badd\s+constraint\s+"?(\w+)"?/.exec(text)?.[1];
  if ((constraint !== undefined && !widens.has(constraint)) || /\badd\s+(check|unique|primary|foreign|exclude)\b/.test(text)) found.push('adds a constraint that rows of before may break');
  return found;
}

/** What is wrong with the statements of a migration, in the release that brings it; empty when nothing is.
 * The first release has no release before it: there everything may be written. */
export function breachesOf(migration: Judged, statements: readonly string[]): string[] {
  const { name, release, phase, lastNeededIn } = migration;
  if (phase === 'contract') return lastNeededIn === undefined || lastNeededIn >= release ? [`${name}: release ${release} still needs what it takes away: a contraction comes with a later release than the last that needs it`] : [];
  if (release <= 1) return [];
  const fresh = new Set(statements.flatMap((text) => [...flat(text).matchAll(newTable)].map(([, table = '']) => table)));
  return statements.flatMap((text) => contractionsIn(text, { fresh, widens: new Set(migration.widens) }).map((says) => `${name} is an expansion of release ${release}, but ${says}: ${text.trim().replaceAll(/\s+/g, ' ').slice(0, 120)}`));
}
