// Every attack in every dialect: refused by name, or printed anew and run beside canaries.
const DIALECTS = ['duckdb', 'postgres', 'spark'];
const RUN = { now: '2026-01-31 12:00:00' };
/** Attacks whose plain text is not tried on an engine: what they cost is what they are. */
const COSTLY = /\d{7}|sleep|\^\+\|generate|range\(|CROSS JOIN t|peg|checkpoint|CHECKPOINT|SET |USE |PRAGMA|CALL |LOAD|INSTALL|ATTACH|DETACH|BEGIN|COMMIT|ROLLBACK|benchmark|BENCHMARK|DO \$/;

async function judged(gate, parser, { attack, dialect }) {
  const { text, isExpression } = attack;
  if (!isExpression) {
    const given = gate.checked('/', () => gate.parserText({ text, dialect }));
    return given.ok ? fromTree(gate, await parser.tree(given.value), { text, dialect }) : { refused: given.issues[0] };
  }
  const query = gate.checked('/', () => gate.expressionQuery(text));
  if (!query.ok) return { refused: query.issues[0] };
  const tree = await parser.tree(query.value);
  const input = new Map(gate.ATTACKED[0].columns.filter(({ denied }) => !denied).map(({ name, type }) => [name, type]));
  const read = gate.checked('/', () => gate.checkExpression(gate.lowerExpression(tree), { input, expect: { kind: 'bool' } }));
  return read.ok ? { texts: Object.fromEntries(['duckdb', 'postgres'].map((engine) => { const sql = gate.sqlFor(engine); return [engine, gate.compile(sql`SELECT id FROM t WHERE ${gate.printExpression(engine, read.value, (name) => sql`${gate.identifier(name)}`)}`).text]; })) } : { refused: read.issues[0] };
}
function fromTree(gate, tree, { text, dialect }) {
  const read = gate.checked('/', () => gate.validateQuery({ text, dialect }, tree, { schema: gate.ATTACKED, policy: gate.POLICY_QUERY }));
  if (!read.ok) return { refused: read.issues[0] };
  const printed = gate.checked('/', () => Object.fromEntries(['duckdb', 'postgres'].map((engine) => [engine, gate.compile(gate.printQuery(engine, read.value, RUN))])));
  if (!printed.ok) return { refused: printed.issues[0] };
  return { texts: { duckdb: printed.value.duckdb.text, postgres: printed.value.postgres.text }, verify: () => gate.verifyPostgres(printed.value.postgres, read.value) };
}

/** One text is parsed once, whatever dialects read it. */
function remembered(parser) {
  let last = { text: null, tree: null };
  return { tree: async (text) => { if (last.text !== text) last = { text, tree: await parser.tree(text) }; return last.tree; } };
}
/** @returns per class and dialect how many were refused, ran, got through; the codes; and how many leak when they are run as they are written */
export async function runAttacks({ gate, parser, engines, attacks, raw }) {
  const rows = new Map();
  const bypasses = [];
  const reader = remembered(parser);
  for (const attack of attacks) {
    const row = rows.get(attack.of) ?? { cases: 0, leaks: { duckdb: 0, postgres: 0 }, ...Object.fromEntries(DIALECTS.map((dialect) => [dialect, { refused: 0, ran: 0, bypassed: 0 }])) };
    rows.set(attack.of, row);
    row.cases += 1;
    // The plain texts of the largest classes are tried in part.
    const isTried = row.cases % (attack.of === 'functions' || attack.of === 'sqlmap' || attack.of === 'files and catalogues' ? 4 : 1) === 0;
    if (isTried) row.tried = (row.tried ?? 0) + 1;
    if (raw && isTried && !attack.isExpression && !COSTLY.test(attack.text) && attack.of !== 'resources' && attack.of !== 'stacked' && attack.of !== 'writes') for (const engine of ['duckdb', 'postgres']) if (await raw[engine].undone(attack.text)) row.leaks[engine] += 1;
    for (const dialect of attack.of === 'resources' || attack.isExpression ? ['duckdb'] : DIALECTS) {
      const verdict = await judged(gate, reader, { attack, dialect }).catch((error) => { if (error?.code === 'sql.parser-lost') return { refused: { code: 'sql.parser-lost' } }; throw error; });
      if (verdict.refused) { row[dialect].refused += 1; continue; }
      const why = await through(verdict, engines);
      row[dialect][why ? 'bypassed' : 'ran'] += 1;
      if (why) bypasses.push({ of: attack.of, dialect, text: attack.text.slice(0, 300), why });
    }
  }
  return { rows, bypasses };
}
/** Why an attack that was taken counts as a bypass; null when it ran and showed nothing. */
async function through({ texts, verify }, engines) {
  try { await verify?.(); } catch (error) { return `second reading: ${error.message}`; }
  for (const engine of ['duckdb', 'postgres']) {
    const began = performance.now();
    try { if (await engines[engine].shows(texts[engine])) return `${engine} shows a canary`; } catch (error) { if (/timeout|INTERRUPT/i.test(error.message)) return `${engine} did not end`; }
    if (performance.now() - began > 1_900) return `${engine} took long`;
  }
  return null;
}
