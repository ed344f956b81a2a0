import { type StepKind, Step } from '@agent-etl/contracts';
import { parse } from 'yaml';

/** Each step as a person writes it; the compiler finds a kind that has none. */
const examples: Readonly<Record<StepKind, string>> = {
  filter: "filter: status <> 'test'", derive: 'derive: { total_eur: "round(total * 0.92, 2)" }', select: 'select: [order_id, total]', drop: 'drop: [note]', rename: 'rename: { id: order_id }',
  cast: 'cast: { column: day, to: date, format: "%b %d %Y", onError: "null" }', aggregate: 'aggregate: { by: [day], measures: [{ as: paid, fn: sum, arg: total, where: "status = \'paid\'" }] }', dedupe: 'dedupe: { keys: [id], keep: [{ column: changed_at, dir: desc }] }',
  limit: 'limit: { n: 100, by: [{ column: total, dir: desc }] }', sort: 'sort: [{ column: total, dir: desc }]',
  flatten: 'flatten: { column: lines, fields: [{ as: sku, path: [sku] }, { as: amount, path: [amount], to: "decimal(12,2)" }] }', json: 'json: { column: doc, fields: [{ as: city, path: [address, city] }, { as: first_tag, path: [tags, 0] }] }',
  mask: 'mask: { column: email, method: sha256 }', pivot: 'pivot: { by: [day], key: status, values: [{ value: paid, as: n_paid }, { value: open, as: n_open }], fn: count }', sample: 'sample: { key: [customer_id], fraction: 0.1 }',
  unpivot: 'unpivot: { columns: [q1, q2, q3, q4], nameTo: quarter, valueTo: total }', window: 'window: { partitionBy: [customer], orderBy: [{ column: at }], columns: [{ as: nth, fn: row_number }, { as: so_far, fn: sum, arg: total, rows: running }] }',
  join: 'join: { right: "files:airports.csv", kind: left, on: { origin: iata }, take: { airport: name, state: state } }', lookup: 'lookup: { dim: shop.public.countries, on: { country: code }, take: { country_name: name }, onMiss: fail }', union: 'union: { with: [shop.public.orders_archive], distinct: true }',
  tokenize: 'tokenize: { column: phone, keyRef: "secret://masking#key", scope: phone }', query: 'query: { sql: "select customer, count(*) as orders from input group by customer", dialect: postgres }',
};
/** @throws ZodError for an example that no pipeline could hold */
export function exampleOf(kind: StepKind): string {
  Step.parse(parse(examples[kind]));
  return examples[kind];
}
