// The frozen corpus: every query is understood and runs on both engines, or is refused by name.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../../install.mjs';
import { asSet, inserts } from './rows.mjs';

const folder = join(root, 'libs', 'sql-safety', 'corpus');
const RUN = { now: '2026-01-31 12:00:00' };
const SQL_TYPES = { double: 'double precision', json: 'text' };
export const relations = () => parse(readFileSync(join(folder, 'schema.yaml'), 'utf8')).relations;
/** Statements that make and fill the tables of the corpus. */
export function tables() {
  const all = relations();
  const schemas = [...new Set(Object.keys(all).map((name) => name.split('.')[0]))].filter((name) => name !== 'public');
  return [...schemas.map((name) => `CREATE SCHEMA ${name}`), ...Object.entries(all).map(([name, columns]) => `CREATE TABLE ${name} (${Object.entries(columns).map(([column, type]) => `"${column}" ${SQL_TYPES[type] ?? type}`).join(', ')})`), ...inserts(all)];
}
/** `{ family, name, dialect, text }`: each stands behind a line `-- name: …`, with its dialect in brackets where that is not postgres. */
export const queries = () => readdirSync(folder).filter((file) => file.endsWith('.sql')).sort().flatMap((file) => readFileSync(join(folder, file), 'utf8').split(/^-- name: /m).slice(1).map((part) => {
  const [head, ...lines] = part.split('\n');
  return { family: file.replace('.sql', ''), name: head.replace(/ \[\w+\]$/, ''), dialect: /\[(\w+)\]$/.exec(head)?.[1] ?? 'postgres', text: lines.join('\n').trim() };
}));

/** Where several rows stand equally first, an engine may choose: such answers are not compared. */
const CHOOSES = /\blimit\b|row_number|distinct on|ntile|first_value|last_value|nth_value|\blag\b|\blead\b|max_by|arg_max|\brows\b|percentile_disc|string_agg/i;
const DATA = /Could not convert|out of range/i;

export async function runQueries({ gate, parser, engines }) {
  const schema = gate.schemaOf(relations());
  const families = new Map();
  const [refused, failed] = [[], []];
  for (const { family, name, dialect, text } of queries()) {
    const row = families.get(family) ?? { queries: 0, understood: 0 };
    families.set(family, row);
    row.queries += 1;
    const given = gate.checked('/', () => gate.parserText({ text, dialect }));
    const tree = given.ok ? await parser.tree(given.value) : null;
    const read = given.ok ? gate.checked('/', () => gate.validateQuery({ text, dialect }, tree, { schema, policy: gate.POLICY_QUERY })) : given;
    if (!read.ok) { refused.push({ name, family, dialect, ...read.issues[0] }); continue; }
    row.understood += 1;
    const answers = [];
    for (const engine of ['duckdb', 'postgres']) {
      try {
        const statement = gate.compile(gate.printQuery(engine, read.value, RUN));
        if (engine === 'postgres') await gate.verifyPostgres(statement, read.value);
        answers.push({ text: statement.text, rows: asSet(await engines[engine].rows(statement.text)) });
      } catch (error) { answers.push({ failed: error.message }); }
    }
    const [duckdb, postgres] = answers;
    // A value that does not fit fails in both, as it must.
    if (duckdb.failed && postgres.failed && DATA.test(duckdb.failed)) { row.alike = (row.alike ?? 0) + 1; continue; }
    if (duckdb.failed || postgres.failed) { failed.push(`${name}: DuckDB ${duckdb.failed ?? 'answers'}, PostgreSQL ${postgres.failed ?? 'answers'}`); continue; }
    row.rows = (row.rows ?? 0) + duckdb.rows.length;
    if (CHOOSES.test(text)) continue;
    row.alike = (row.alike ?? 0) + 1;
    if (duckdb.rows.length !== postgres.rows.length || !duckdb.rows.every((each, nth) => each === postgres.rows[nth])) failed.push(`${name}: ${duckdb.rows.length} rows of DuckDB are not the ${postgres.rows.length} of PostgreSQL, such as ${duckdb.rows.find((each) => !postgres.rows.includes(each))} against ${postgres.rows.find((each) => !duckdb.rows.includes(each))}`);
  }
  return { families, refused, failed };
}

const KINDS = { class: 'expressionDecisions', OPERATOR: 'operatorDecisions', FROM: 'relationDecisions', QUERY: 'queryDecisions', MODIFIER: 'modifierDecisions' };
/** Kinds of nodes in a tree, as the decisions name them. */
function kindsIn(node, seen) {
  if (Array.isArray(node)) { for (const item of node) kindsIn(item, seen); return; }
  if (typeof node !== 'object' || node === null) return;
  if (typeof node.class === 'string') { seen.class.add(node.class); if (node.class === 'OPERATOR') seen.OPERATOR.add(node.type); }
  if (typeof node.from_table?.type === 'string') fromKinds(node.from_table, seen);
  if (typeof node.type === 'string' && (node.type.endsWith('_NODE') && node.cte_map !== undefined || node.type === 'RECURSIVE_CTE_NODE')) seen.QUERY.add(node.type);
  if (Array.isArray(node.modifiers)) for (const { type } of node.modifiers) seen.MODIFIER.add(type);
  for (const child of Object.values(node)) kindsIn(child, seen);
}
function fromKinds(from, seen) {
  seen.FROM.add(from.type);
  if (from.type === 'JOIN') { fromKinds(from.left, seen); fromKinds(from.right, seen); }
}
/** Texts that say what no query of the corpus says. */
const RARE = ['SELECT s COLLATE nocase FROM t', 'SELECT list_transform([1], x -> x)', 'SELECT list_transform([1], lambda x: x)', 'SELECT $1', 'SELECT #1 FROM t', 'SELECT ARRAY[1]', 'SELECT s[1], s[1:2], (s).a FROM t', 'SELECT TRY(1)', 'SELECT *COLUMNS(*) FROM t', 'SELECT * FROM t PIVOT (sum(n) FOR s IN (\'a\'))', 'SELECT * FROM (DESCRIBE t)', 'SELECT * FROM range(3)', 'SELECT id FROM t LIMIT 10%', 'WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 2 FROM r) SELECT * FROM r', 'SELECT DISTINCT id FROM t ORDER BY id LIMIT 1', 'SELECT 1', 'SELECT * FROM (VALUES (1)) v', 'SELECT s ->> \'a\', s -> \'a\' FROM t', 'SELECT grouping(id), CASE WHEN id IN (1) AND id NOT IN (2) AND s IS NULL AND s IS NOT NULL AND NOT (id BETWEEN 1 AND 2) THEN coalesce(s, \'x\') END, CAST(id AS VARCHAR), (SELECT 1), row_number() OVER () FROM t JOIN u USING (id) GROUP BY id UNION SELECT 1'];

/** Kinds that the parser says in all texts against those that are decided. */
export async function nodeKinds({ gate, parser, texts }) {
  const seen = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, new Set()]));
  for (const text of [...RARE, ...texts]) {
    const tree = await parser.tree(`       ${text}\n`).catch(() => 'null');
    try { kindsIn(JSON.parse(tree), seen); } catch { /* Infinity is no JSON: such a tree is refused as a whole. */ }
  }
  const lists = Object.entries(KINDS).map(([kind, name]) => ({ name, seen: seen[kind], decided: gate[name] }));
  return { undecided: lists.flatMap(({ name, seen: kinds, decided }) => [...kinds].filter((kind) => !(kind in decided)).map((kind) => `${name}: ${kind}`)), unseen: lists.flatMap(({ name, seen: kinds, decided }) => Object.keys(decided).filter((kind) => !kinds.has(kind)).map((kind) => `${name}: ${kind}`)), lists };
}
