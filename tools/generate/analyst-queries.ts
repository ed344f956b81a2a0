import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueryParser } from '@agent-etl/engines';
import { readSchemaFile } from '@agent-etl/planning';
import { type ForeignDialect, POLICY_QUERY, type ValidatedQuery, compile, foreignDialects, nativeOf, printQuery, schemaOf } from '@agent-etl/sql-safety';
import { verifyPostgres } from '@agent-etl/sql-safety/postgres';
import { page, table } from './reference.ts';

/** Ten queries of the frozen corpus, of different work and of all three dialects. */
export const shown = ['revenue by month', 'month over month', 'latest order by qualify', 'margin by category', 'top paid of each department', 'delays by carrier', 'routes with names', 'result of an experiment', 'churn by month', 'mean of flags'] as const;

interface Asked { readonly name: string; readonly dialect: ForeignDialect; readonly text: string }
async function corpusQueries(folder: string): Promise<Asked[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const parts = (await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))).flatMap((text) => text.split(/^-- name: /m).slice(1));
  return parts.map((part) => {
    const [head = '', ...lines] = part.split('\n');
    const [, dialect] = /\[(\w+)\]$/.exec(head) ?? [];
    return { name: head.replace(/ \[\w+\]$/, ''), dialect: foreignDialects.find((each) => each === dialect) ?? 'postgres', text: lines.join('\n').trim() };
  });
}
const made = { copied: '', computed: 'computed of ', aggregated: 'aggregated of ', windowed: 'over a window of ' } as const;
async function section({ name, dialect, text }: Asked, query: ValidatedQuery): Promise<string[]> {
  const printed = { postgres: compile(printQuery('postgres', query, { now: '2026-01-31 12:00:00' })), duckdb: compile(printQuery('duckdb', query, { now: '2026-01-31 12:00:00' })) };
  await verifyPostgres(printed.postgres, query);
  return [`## ${name.charAt(0).toUpperCase()}${name.slice(1)}`, `As it was written, for ${dialect}:`, `\`\`\`sql\n${text}\n\`\`\``,
    table(['column', 'type', 'made of'], query.outputs.map(({ name: column, type, origins, how }) => [`\`${column}\``, nativeOf('postgres', type) ?? type.kind, origins.length ? `${made[how]}${origins.map(({ relation, column: from }) => `\`${relation}.${from}\``).join(', ')}` : 'a constant, or a count of rows'])),
    ...query.notes.map((note) => `${note}.`), 'Printed for PostgreSQL, and for DuckDB:', `\`\`\`sql\n${printed.postgres.text}\n\`\`\``, `\`\`\`sql\n${printed.duckdb.text}\n\`\`\``];
}
/** What `agent-etl validate` says of ten queries that analysts write. @throws TypeError for one that is not read */
export async function analystQueriesPage(folder: string): Promise<string> {
  const schema = schemaOf(readSchemaFile(await readFile(join(folder, 'schema.yaml'), 'utf8')).relations);
  const all = await corpusQueries(folder);
  const scratch = await mkdtemp(join(tmpdir(), 'analyst-queries-'));
  const parser = new QueryParser(scratch);
  const parts: string[] = [];
  try {
    for (const name of shown) {
      const asked = all.find((each) => each.name === name);
      const read = asked && await parser.validate(asked, { path: name, schema, policy: POLICY_QUERY });
      if (!asked || !read?.ok) throw new TypeError(`${name}: ${read && !read.ok ? read.issues[0]?.text : 'is not in the corpus'}`);
      parts.push(...await section(asked, read.value));
    }
  } finally {
    await parser.stop();
    await rm(scratch, { recursive: true, force: true });
  }
  return page('Ten analyst queries', 'libs/sql-safety/corpus', [
    'What `agent-etl validate QUERY.sql --dialect DIALECT --schema SCHEMA.yaml` says of ten queries: the columns that each gives, what they are made of, and the query printed anew for two engines. PostgreSQL\'s own parser has read each printed form again. `npm run proof -- corpus` runs them, and three hundred others, on both engines over the same rows.',
    'Which rows there are is no value: a filter and a join leave no trace in what a column is made of.', ...parts]);
}
