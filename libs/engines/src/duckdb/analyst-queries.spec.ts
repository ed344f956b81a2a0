import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignDialect, POLICY_QUERY, type ValidatedQuery, compile, foreignDialects, printQuery, schemaOf } from '@agent-etl/sql-safety';
import { verifyPostgres } from '@agent-etl/sql-safety/postgres';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueryParser } from './query-parser.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');
const corpus = join(root, 'libs', 'sql-safety', 'corpus');
/** What the columns of ten queries are made of, as a person reads them off the text: name, kind of type, how, from what. */
const expected: Readonly<Record<string, readonly string[]>> = {
  'revenue by month': ['month ts computed shop.orders.ordered_at', 'revenue dec aggregated shop.orders.total', 'orders i64 aggregated'],
  'month over month': ['m ts computed shop.orders.ordered_at', 'revenue dec aggregated shop.orders.total', 'previous dec aggregated shop.orders.ordered_at shop.orders.total', 'change_pct dec aggregated shop.orders.ordered_at shop.orders.total'],
  'latest order by qualify': ['customer_id i64 copied shop.orders.customer_id', 'id i64 copied shop.orders.id', 'total dec copied shop.orders.total'],
  'margin by category': ['category text copied shop.products.category', 'margin dec aggregated shop.order_items.quantity shop.order_items.unit_price shop.products.cost', 'revenue dec aggregated shop.order_items.quantity shop.order_items.unit_price', 'rate f64 aggregated shop.order_items.quantity shop.order_items.unit_price shop.products.cost'],
  'top paid of each department': ['department_id i32 copied hr.employees.department_id', 'name text copied hr.employees.name', 'salary dec copied hr.employees.salary'],
  'delays by carrier': ['carrier text copied air.flights.carrier', 'flights i64 aggregated', 'mean f64 aggregated air.flights.departure_delay', 'late f64 aggregated air.flights.arrival_delay'],
  'routes with names': ['origin text copied air.flights.origin', 'from_city text copied air.airports.city', 'destination text copied air.flights.destination', 'to_city text copied air.airports.city', 'count i64 aggregated'],
  'result of an experiment': ['variant text copied web.experiments.variant', 'users i64 aggregated web.experiments.user_id', 'converted i64 aggregated web.events.user_id', 'rate f64 aggregated web.events.user_id web.experiments.user_id'],
  'churn by month': ['month date computed billing.subscriptions.ended_on billing.subscriptions.started_on', 'net_new dec aggregated billing.subscriptions.mrr', 'churned i64 aggregated'],
  'mean of flags': ['device text copied web.events.device', 'rate f64 aggregated web.events.event_type', 'median f64 aggregated web.events.duration_ms'],
};
const relation = /^ {2}([\w.]+): \{ (.*) \}$/gm;
const columnsOf = (text: string): Record<string, string> => Object.fromEntries([...text.matchAll(/(\w+): ("[^"]*"|\w+)/g)].map(([, name, type]) => [name!, type!.replaceAll('"', '')]));

let scratch: string;
let parser: QueryParser;
let schema: ReturnType<typeof schemaOf>;
const texts = new Map<string, { text: string; dialect: ForeignDialect }>();
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'analyst-'));
  parser = new QueryParser(scratch);
  schema = schemaOf(Object.fromEntries([...(await readFile(join(corpus, 'schema.yaml'), 'utf8')).matchAll(relation)].map(([, name, columns]) => [name!, columnsOf(columns!)])));
  for (const file of (await readdir(corpus)).filter((name) => name.endsWith('.sql'))) {
    for (const part of (await readFile(join(corpus, file), 'utf8')).split(/^-- name: /m).slice(1)) {
      const [head = '', ...lines] = part.split('\n');
      texts.set(head.replace(/ \[\w+\]$/, ''), { text: lines.join('\n').trim(), dialect: foreignDialects.find((each) => head.endsWith(`[${each}]`)) ?? 'postgres' });
    }
  }
});
afterAll(async () => { await parser.stop(); await rm(scratch, { recursive: true }); });

describe('ten analyst queries', () => {
  const read = async (name: string): Promise<ValidatedQuery> => {
    const answer = await parser.validate(texts.get(name)!, { path: name, schema, policy: POLICY_QUERY });
    if (!answer.ok) throw new Error(answer.issues[0]?.text);
    return answer.value;
  };
  it.each(Object.keys(expected))('%s: its columns, types and origins', async (name) => {
    const { outputs } = await read(name);
    expect(outputs.map((column) => [column.name, column.type.kind, column.how, ...column.origins.map((origin) => `${origin.relation}.${origin.column}`).sort()].join(' '))).toEqual(expected[name]);
  });
  it.each(Object.keys(expected))('%s: its printed forms are on the page, and PostgreSQL reads the one for it', async (name) => {
    const query = await read(name);
    const page = await readFile(join(root, 'docs', 'reference', 'analyst-queries.md'), 'utf8');
    const run = { now: '2026-01-31 12:00:00' };
    const postgres = compile(printQuery('postgres', query, run));
    await verifyPostgres(postgres, query);
    for (const text of [texts.get(name)!.text, postgres.text, compile(printQuery('duckdb', query, run)).text]) expect(page).toContain(`\`\`\`sql\n${text}\n\`\`\``);
  });
});
