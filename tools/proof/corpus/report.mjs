// The page of the proof: what it holds is the same from run to run.
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
const cell = (text) => String(text).replaceAll('|', '\\|');

export function reportPage({ attacks, queries, kinds, gates, sqlmap }) {
  const classes = [...attacks.rows];
  const sum = (pick) => classes.reduce((total, [, row]) => total + pick(row), 0);
  const count = (row) => row.duckdb.refused + row.duckdb.ran + row.duckdb.bypassed;
  const all = [...queries.families.values()].reduce((total, { queries: n }) => total + n, 0);
  const share = ((queries.refused.length / all) * 100).toFixed(2);
  return [
    '# Foreign SQL: the proof of the gate', '',
    'Written by `npm run proof -- corpus --write`, compared by `npm run proof -- corpus`. A text becomes a closed tree or is refused; what is run is printed from the tree.', '',
    '## Attacks', '',
    `${sum((row) => row.cases)} cases; ${sum((row) => row.duckdb.bypassed + row.postgres.bypassed + row.spark.bypassed)} bypasses. Every case is read as each dialect (costly ones and conditions once); what is taken is printed for DuckDB and PostgreSQL, read again by PostgreSQL's own parser, and run in a locked DuckDB and in a PostgreSQL whose role may read everything, beside tables, columns, files and a variable that no answer may show. \`leaks as written\`: cases of those tried whose plain text shows one of them in DuckDB or PostgreSQL.${sqlmap ? ` Payloads of sqlmap ${sqlmap.version}, each in six places.` : ''}`, '',
    table(['class', 'cases', 'duckdb: refused, ran', 'postgres: refused, ran', 'spark: refused, ran', 'bypasses', 'leaks as written'], classes.map(([name, row]) => [name, row.cases, ...['duckdb', 'postgres', 'spark'].map((dialect) => (count({ duckdb: row[dialect] }) ? `${row[dialect].refused}, ${row[dialect].ran}` : '-')), row.duckdb.bypassed + row.postgres.bypassed + row.spark.bypassed, row.tried && row.leaks.duckdb + row.leaks.postgres ? `${row.leaks.duckdb}, ${row.leaks.postgres} of ${row.tried}` : '-'])), '',
    '## False refusals', '',
    `${all} queries of the frozen corpus (\`libs/sql-safety/corpus\`), ${queries.refused.length} refused: ${share} %. Each one that is understood is printed for both engines, read again, and runs there over the same rows; \`equal\`: answers that are the same, row for row and value for value. Where a query leaves it to the engine which of equal rows is first, its answers are not compared.`, '',
    table(['family', 'queries', 'understood', 'equal', 'rows'], [...queries.families].map(([name, row]) => [name, row.queries, row.understood, row.alike ?? 0, row.rows ?? 0])), '',
    table(['refused', 'dialect', 'code', 'because'], queries.refused.map(({ name, dialect, code, text }) => [cell(name), dialect, `\`${code}\``, cell(text)])), '',
    '## Kinds of nodes', '',
    `What the parser says over all texts of the corpus and of the attacks equals what the gate decides, kind by kind: ${kinds.lists.map(({ name, decided }) => `${Object.keys(decided).length} of \`${name}\``).join(', ')}.`, '',
    ...kinds.lists.map(({ name, decided }) => `- \`${name}\`: read ${Object.entries(decided).filter(([, how]) => how === 'read').map(([kind]) => `\`${kind}\``).join(' ')}; refused ${Object.entries(decided).filter(([, how]) => how !== 'read').map(([kind]) => `\`${kind}\``).join(' ') || '-'}`), '',
    '## The gate of the gate', '',
    `${gates.length} checks. With any one taken out, an attack passes that was refused.`, '',
    table(['check', 'stands in'], gates.map(({ check, file }) => [check, `\`${file.replace('libs/sql-safety/src/', '')}\``])), '',
  ].join('\n');
}
