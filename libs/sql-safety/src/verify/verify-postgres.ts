import type { parseSync } from 'libpg-query';
import { SqlSafetyError } from '../errors.ts';
import type { ValidatedQuery } from '../query/validated-query.ts';
import { type SafeSql, isSafeSql } from '../tag/safe-sql.ts';
import { type Words, queryWords, stepWords } from './postgres-words.ts';

type Node = { readonly [key: string]: unknown };
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
let parse: typeof parseSync | null = null;
/** Loads PostgreSQL's parser, once: 2 MB of WebAssembly that nobody pays for who reads nothing with it. */
export async function loadPostgresParser(): Promise<void> {
  if (parse) return;
  const { loadModule, parseSync: parser } = await import('libpg-query');
  await loadModule();
  parse = parser;
}

/** Reads a printed statement with PostgreSQL's own parser, before it is run: one SELECT, made of what this lib prints, which reads the relations that were checked and no other, and calls nothing else.
 * A difference is a mistake of ours, and the statement is not run.
 * @throws SqlSafetyError `SQL_RENDER_MISMATCH` */
export async function verifyPostgres(statement: SafeSql<'postgres'>, query: ValidatedQuery): Promise<void> {
  await verified(statement, { relations: query.reads.map(({ relation }) => relation), words: queryWords });
}
/** The same of a statement that computes steps, a query of a person among them: the datasets of the pipeline and no other.
 * @param relations as PostgreSQL names them, schema and table
 * @param how no others: a statement that reads some of them
 * @throws SqlSafetyError `SQL_RENDER_MISMATCH` */
export const verifyPostgresSteps = (statement: SafeSql<'postgres'>, relations: readonly string[], how: Expected['how'] = 'all'): Promise<void> => verified(statement, { relations, words: stepWords, how });
/** @property how no others: not all of them have to be read */
interface Expected { readonly relations: readonly string[]; readonly words: Words; readonly how?: 'all' | 'no others' }
async function verified(statement: SafeSql<'postgres'>, { relations, words, how = 'all' }: Expected): Promise<void> {
  await loadPostgresParser();
  if (!isSafeSql(statement) || statement.dialect !== 'postgres') throw new SqlSafetyError('SQL_NOT_MINTED', 'only a compiled statement of postgres is read');
  const seen = readPostgres(statement.text, words);
  const expected = new Set(relations);
  if ((how === 'all' && seen.relations.size !== expected.size) || [...seen.relations].some((relation) => !expected.has(relation))) throw mismatch('reads other relations');
}

/** What PostgreSQL's parser sees in a statement; it has to be loaded.
 * @throws SqlSafetyError `SQL_RENDER_MISMATCH` for anything but one SELECT of known nodes, functions, types and collations */
export function readPostgres(text: string, words: Words = queryWords): { readonly relations: ReadonlySet<string>; readonly functions: ReadonlySet<string> } {
  const { stmts = [] } = parsed(text);
  const [only] = stmts;
  if (stmts.length !== 1 || !isNode(only?.stmt) || !('SelectStmt' in only.stmt)) throw mismatch('is not one SELECT');
  const seen: Seen = { words, relations: new Set(), functions: new Set(), ctes: new Set() };
  visit(only.stmt, 'CommonTableExpr', (cte) => { seen.ctes.add(String(cte['ctename'])); });
  walk(only.stmt, seen);
  return seen;
}
interface Seen { readonly words: Words; readonly relations: Set<string>; readonly functions: Set<string>; readonly ctes: Set<string> }
function parsed(text: string): ReturnType<typeof parseSync> {
  if (!parse) throw new TypeError('the parser is not loaded');
  try {
    return parse(text);
  } catch (cause) {
    throw mismatch('is not read', cause);
  }
}
const mismatch = (says: string, cause?: unknown): SqlSafetyError => new SqlSafetyError('SQL_RENDER_MISMATCH', `the printed statement ${says}`, { cause });

function visit(value: unknown, kind: string, found: (node: Node) => void): void {
  if (Array.isArray(value)) { for (const item of value) visit(item, kind, found); return; }
  if (!isNode(value)) return;
  for (const [key, child] of Object.entries(value)) {
    if (key === kind && isNode(child)) found(child);
    visit(child, kind, found);
  }
}
/** Nodes are told under their names, which begin with a capital letter. */
function walk(value: unknown, seen: Seen): void {
  if (Array.isArray(value)) { for (const item of value) walk(item, seen); return; }
  if (!isNode(value)) return;
  for (const [key, child] of Object.entries(value)) {
    if (/^[A-Z]/.test(key)) node(key, isNode(child) ? child : {}, seen);
    if (key === 'typeName' && isNode(child)) known(namesOf(child['names']), seen.words.types, 'a type');
    if (key === 'intoClause' || key === 'lockingClause') throw mismatch(`has ${key}`);
    walk(child, seen);
  }
}
function node(kind: string, held: Node, { words, relations, functions, ctes }: Seen): void {
  if (!words.nodes.has(kind)) throw mismatch(`has ${kind}`);
  if (kind === 'RangeVar') {
    const { catalogname: catalog, schemaname: schema, relname: name } = held;
    if (catalog !== undefined) throw mismatch('names a database');
    if (schema === undefined && ctes.has(String(name))) return;
    relations.add(schema === undefined ? String(name) : `${String(schema)}.${String(name)}`);
  }
  if (kind === 'FuncCall') functions.add(known(namesOf(held['funcname']), words.functions, 'a function'));
  if (kind === 'CollateClause' && namesOf(held['collname']).join('.') !== 'C') throw mismatch('has a collation');
}
const namesOf = (list: unknown): readonly string[] => (Array.isArray(list) ? list.map((item) => (isNode(item) && isNode(item['String']) ? String(item['String']['sval']) : '?')) : []);
function known(names: readonly string[], words: ReadonlySet<string>, what: string): string {
  const [first, second, more] = names;
  const word = first === 'pg_catalog' && second !== undefined ? second : first;
  if (word === undefined || more !== undefined || (second !== undefined && first !== 'pg_catalog') || !words.has(word)) throw mismatch(`has ${what} that is not printed here`);
  return word;
}
