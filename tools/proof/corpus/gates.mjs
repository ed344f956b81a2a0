// The gate of the gate: with any one check taken out, something passes that was refused. A check that nothing needs is no check.
import { endBuilds, gateBundle } from './bundle.mjs';

const src = (file) => `libs/sql-safety/src/${file}`;
const schema = (gate) => gate.ATTACKED;
/** Whether a text is taken. */
const takes = (text, dialect = 'duckdb') => async (gate, tree) => {
  const given = gate.checked('/', () => gate.parserText({ text, dialect }));
  if (!given.ok) return false;
  const parsed = await tree(given.value).catch(() => null);
  return parsed !== null && gate.checked('/', () => gate.printQuery('postgres', gate.validateQuery({ text, dialect }, parsed, { schema: schema(gate), policy: gate.POLICY_QUERY }), { now: '2026-01-31 12:00:00' })).ok;
};
/** Whether a tree that nobody lowered is taken. */
const takesTree = (query, policy = 'POLICY_QUERY') => async (gate) => gate.checked('/', () => gate.checkQuery(query, { schema: schema(gate), policy: gate[policy] })).ok;
const select = (more) => ({ ctes: [], body: { k: 'select', distinct: false, distinctOn: [], items: [{ k: 'value', value: { expr: { k: 'lit', t: { kind: 'i32' }, v: '1' }, uses: [] }, as: null }], from: null, where: null, group: null, having: null, qualify: null, ...more }, order: [], limit: null, offset: null });
const valued = (expr, uses = []) => select({ items: [{ k: 'value', value: { expr, uses }, as: null }] });
/** Whether a printed text is what was meant, as PostgreSQL reads it. */
const prints = (text, harm) => async (gate, tree) => {
  const printed = gate.checked('/', () => true).ok && await tree(gate.parserText({ text, dialect: 'duckdb' })).then((parsed) => gate.compile(gate.printQuery('postgres', gate.validateQuery({ text, dialect: 'duckdb' }, parsed, { schema: schema(gate), policy: gate.POLICY_QUERY }), { now: '2026-01-31 12:00:00' })).text);
  try { return harm(gate.readPostgres(printed)); } catch { return true; }
};
const reads = (text) => async (gate) => { try { gate.readPostgres(text); return true; } catch { return false; } };

/** @property attack answers whether it gets through */
export const gates = [
  { check: 'bytes of a text', edit: { file: src('scan/scan-text.ts'), from: 'if (text.length > mostBytes || ', to: 'if (false && ' }, attack: takes(`SELECT id FROM t -- ${'x'.repeat(66_000)}`) },
  { check: 'hidden characters', edit: { file: src('scan/scan-text.ts'), from: 'if (hidden >= 0)', to: 'if (false)' }, attack: takes('SELECT \'a\u202Eb\' FROM t') },
  { check: 'comments', edit: { file: src('scan/scan-text.ts'), from: "if (text.split('/*').length - 1 > TEXT_LIMITS.commentOpeners)", to: 'if (false)' }, attack: takes(`SELECT id ${'/* */ '.repeat(20)} FROM t`) },
  { check: 'nesting of brackets', edit: { file: src('scan/scan-text.ts'), from: 'if (round > TEXT_LIMITS.nesting || square > TEXT_LIMITS.squareNesting)', to: 'if (false)' }, attack: takes(`SELECT ${'('.repeat(70)}1${')'.repeat(70)} FROM t`) },
  { check: 'quotes of Spark', edit: { file: src('frontends/duckdb/foreign-dialect.ts'), from: "if (token.startsWith('\"'))", to: 'if (false)' }, attack: takes('SELECT "id" FROM t', 'spark') },
  { check: 'one statement', edit: { file: src('frontends/duckdb/lower-query.ts'), from: 'if (!isList(statements) || statements.length !== 1)', to: 'if (!isList(statements))' }, attack: takes('SELECT id FROM t; SELECT s FROM t') },
  { check: 'every key of a node', edit: { file: src('frontends/duckdb/tree.ts'), from: 'if (!isKnown)', to: 'if (false)' }, attack: takes('SELECT id FROM t TABLESAMPLE SYSTEM (10)') },
  { check: 'classes of expressions', edit: { file: src('frontends/duckdb/lower-value.ts'), from: "{ throw new Refusal('SQL_NODE', decision.refused, offsetOf(node)); }", to: "{ return { k: 'lit', t: { kind: 'i32' }, v: '1' } as never; }" }, attack: takes('SELECT x -> x FROM t') },
  { check: 'kinds of operators', edit: { file: src('frontends/duckdb/lower-value.ts'), from: "if (decision !== 'read') throw new Refusal('SQL_NODE', decision?.refused ?? 'This operator", to: "if (decision !== 'read') return { k: 'lit', t: { kind: 'i32' }, v: '1' };\n  if (decision !== 'read') throw new Refusal('SQL_NODE', decision?.refused ?? 'This operator" }, attack: takes('SELECT s[1] FROM t') },
  { check: 'names of functions', edit: { file: src('frontends/duckdb/lower-expression.ts'), from: 'const known = functionNamed(name);', to: "const known = functionNamed(name) ?? 'lower';" }, attack: takes("SELECT pg_read_file('/etc/passwd') FROM t") },
  { check: 'schemas of functions', edit: { file: src('frontends/duckdb/lower-value.ts'), from: "if (typeof name !== 'string' || (schema !== '' && schema !== 'main')) throw", to: "if (typeof name !== 'string') throw" }, attack: takes('SELECT evil.max(n) FROM t') },
  { check: 'functions of a tree', edit: { file: src('registry/functions.ts'), from: 'if (id === null || id !== fn)', to: 'if (id === null)' }, attack: takesTree(valued({ k: 'call', fn: 'CHAR_LENGTH', args: [{ k: 'lit', t: { kind: 'text' }, v: 'x' }] })) },
  { check: 'arguments of functions', edit: { file: src('registry/functions.ts'), from: 'if (args.length < least || args.length > most)', to: 'if (false)' }, attack: takesTree(valued({ k: 'call', fn: 'concat', args: [] })) },
  { check: 'bounds of sizes', edit: { file: src('registry/signatures.ts'), from: 'if (value === null || value < least || value > most)', to: 'if (value === null)' }, attack: takes("SELECT lpad(s, 900000, 'x') FROM t") },
  { check: 'relations of the schema', edit: { file: src('query/checking.ts'), from: 'asked.every((part, index) => parts.at(index - asked.length)!.toLowerCase() === part)', to: 'parts.at(-1)!.toLowerCase() === asked.at(-1)' }, attack: takes('SELECT id FROM private.t') },
  { check: 'scopes of CTEs', edit: { file: src('query/check-query.ts'), from: 'const known = new Map(around.ctes);', to: 'const known = around.ctes as Map<string, { readonly name: string; readonly outputs: readonly Output[] }>;' }, attack: takes("SELECT * FROM (WITH secret AS (SELECT 'a' AS s) SELECT * FROM secret) a, secret b") },
  { check: 'forbidden columns', edit: { file: src('query/scope.ts'), from: 'if (first?.denied)', to: 'if (false)' }, attack: takes('SELECT salary FROM t') },
  { check: 'forbidden columns behind a star', edit: { file: src('query/check-select.ts'), from: 'if (denied) throw', to: 'if (false) throw' }, attack: takes('SELECT * FROM t') },
  { check: 'forbidden columns of USING', edit: { file: src('query/check-from.ts'), from: 'if (only.denied) throw', to: 'if (false) throw' }, attack: takes('SELECT a.id FROM t a JOIN t b USING (salary)') },
  { check: 'whole rows', edit: { file: src('query/check-value.ts'), from: 'if (relationsNamed(scope, name).length) throw new Refusal(', to: "if (relationsNamed(scope, name).length) return slotOf(checking, { k: 'clock', is: 'date' }, place);\n  if (relationsNamed(scope, name).length) throw new Refusal(" }, attack: takes('SELECT t FROM t') },
  { check: 'place of aggregates', edit: { file: src('query/check-value.ts'), from: 'if (!place.aggregates) throw new Refusal(\'SQL_AGGREGATE_PLACE\', `${use.fn}', to: 'if (false) throw new Refusal(\'SQL_AGGREGATE_PLACE\', `${use.fn}' }, attack: takes('SELECT id FROM t WHERE max(n) > 1') },
  { check: 'columns beside groups', edit: { file: src('query/covered.ts'), from: 'if (used.depth >= depth) throw', to: 'if (false) throw' }, attack: takes('SELECT id, max(n) FROM t') },
  { check: 'place of OVER', edit: { file: src('query/check-value.ts'), from: 'if (!place.windows) throw', to: 'if (false) throw' }, attack: takes('SELECT id FROM t WHERE row_number() OVER (ORDER BY id) = 1') },
  { check: 'limits of a query', edit: { file: src('query/checking.ts'), from: 'if (this.spent[what] > this.policy.limits[what])', to: 'if (false)' }, attack: takes(`SELECT count(*) FROM ${Array.from({ length: 20 }, (_, nth) => `t AS t${nth}`).join(' CROSS JOIN ')}`) },
  { check: 'size of a tree', edit: { file: src('query/check-query.ts'), from: 'if (objects > 12 * nodes)', to: 'if (false)' }, attack: takesTree(select({ items: Array.from({ length: 1_900 }, () => ({ k: 'value', as: null, value: { uses: [], expr: { k: 'in', neg: false, e: { k: 'lit', t: { kind: 'i32' }, v: '1' }, es: Array.from({ length: 70 }, () => ({ k: 'lit', t: { kind: 'i32' }, v: '1' })) } } })) })) },
  { check: 'rows of LIMIT', edit: { file: src('frontends/duckdb/lower-query.ts'), from: '!isWhole || ', to: '' }, attack: takes('SELECT id FROM t LIMIT 1.5') },
  { check: 'policy', edit: { file: src('query/checking.ts'), from: 'if (!this.policy[what]) throw', to: 'if (false) throw' }, attack: takesTree(select({}), 'POLICY_MODEL') },
  { check: 'shape of a tree', edit: { file: src('query/check-query.ts'), from: 'if (!shaped.success) throw', to: 'if (!shaped.success) (shaped as { data?: unknown }).data = query;\n  if (false) throw' }, attack: takesTree({ ...select({}), limit: -1 }) },
  { check: 'types', edit: { file: src('check/check-expression.ts'), from: "if (constant === null || (wanted.kind === 'text' && node.t.kind !== 'text')) throw", to: 'if (constant === null) throw' }, attack: takes('SELECT s || true FROM t') },
  { check: 'spelling of constants', edit: { file: src('check/check-expression.ts'), from: 'if (constant === null) throw new Refusal(\'SQL_LITERAL\', `A constant is no ${t.kind}`);', to: '' }, attack: takesTree(valued({ k: 'lit', t: { kind: 'i32' }, v: '1; DROP TABLE t' })) },
  { check: 'what was checked is printed', edit: { file: src('query/validated-query.ts'), from: 'if (!tree) throw', to: 'if (!tree) return validated as CheckedQuery;\n  if (!tree) throw' }, attack: async (gate) => { try { gate.printQuery('postgres', { ctes: [], body: { k: 'select', distinct: false, distinctOn: [], items: [], from: { k: 'table', parts: ['secret'], alias: 'x' }, presences: [], where: null, keys: [], sets: [], having: null, qualify: null }, outputs: [], casts: [], order: [], limit: null, offset: null }, { now: '2026-01-31 12:00:00' }); return true; } catch { return false; } } },
  { check: 'quotes of texts', edit: { file: src('tag/literal.ts'), from: "replaceAll('\\'', '\\'\\'')", to: "replaceAll('\\'', '\\'')" }, attack: prints("SELECT id FROM t WHERE s = 'x'' OR id = (SELECT max(id) FROM public.u) OR s = '''", ({ relations }) => relations.has('public.u')) },
  { check: 'quotes of names', edit: { file: src('ident/identifier.ts'), from: 'part.replaceAll(quote, quote + quote)', to: 'part' }, attack: prints('SELECT id AS "a"" , (SELECT max(s) FROM secret) AS ""b" FROM t', ({ relations }) => relations.has('secret')) },
  { check: 'second reading: one statement', edit: { file: src('verify/verify-postgres.ts'), from: "if (stmts.length !== 1 || ", to: 'if (' }, attack: reads('SELECT 1; SELECT 2') },
  { check: 'second reading: nodes', edit: { file: src('verify/verify-postgres.ts'), from: 'if (!words.nodes.has(kind)) throw', to: 'if (false) throw' }, attack: reads('SELECT current_user') },
  { check: 'second reading: functions and types', edit: { file: src('verify/verify-postgres.ts'), from: '|| !words.has(word)) throw', to: ') throw' }, attack: reads("SELECT pg_sleep(10)") },
  { check: 'second reading: what a SELECT may do', edit: { file: src('verify/verify-postgres.ts'), from: "if (key === 'intoClause' || key === 'lockingClause') throw", to: 'if (false) throw' }, attack: reads('SELECT 1 AS a INTO x') },
  { check: 'second reading: relations', edit: { file: src('verify/verify-postgres.ts'), from: "if ((how === 'all' && seen.relations.size !== expected.size) || ", to: 'if (false && ' }, attack: async (gate, tree) => {
    const read = async (text) => gate.validateQuery({ text, dialect: 'duckdb' }, await tree(gate.parserText({ text, dialect: 'duckdb' })), { schema: schema(gate), policy: gate.POLICY_QUERY });
    const [small, other] = [await read('SELECT id FROM u'), await read('SELECT id FROM t')];
    try { await gate.verifyPostgres(gate.compile(gate.printQuery('postgres', other, { now: '2026-01-31 12:00:00' })), small); return true; } catch { return false; }
  } },
];

/** @returns per check whether the attack is refused as the gate is, and gets through without the check */
export async function runGates({ gate, tree }) {
  const answers = [];
  for (const [nth, { check, edit, attack }] of gates.entries()) {
    const whole = await attack(gate, tree);
    const without = await gateBundle(`without-${nth}`, edit);
    answers.push({ check, file: edit.file, refused: !whole, passes: await attack(without, tree).catch((error) => { throw new Error(`${check}: ${error.stack}`); }) });
  }
  await endBuilds();
  return answers;
}
