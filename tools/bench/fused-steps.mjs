// Steps of a pipeline, fused and printed for DuckDB, beside what a person would write for the same rows: both in one DuckDB, turn by turn.
import { DuckDBInstance } from '@duckdb/node-api';

const ROWS = 3_000_000;
const i64 = { kind: 'i64' };
const text = { kind: 'text' };
const price = { kind: 'dec', precision: 12, scale: 2 };
const types = { id: i64, customer: i64, status: text, total: price, day: { kind: 'date' } };
const natives = { id: 'BIGINT', customer: 'BIGINT', status: 'VARCHAR', total: 'DECIMAL(12,2)', day: 'DATE' };
const column = (name) => ({ k: 'col', name });
const lit = (t, v) => ({ k: 'lit', t, v });
const steps = [
  { op: 'filter', where: { k: 'bin', op: '<>', l: column('status'), r: lit(text, 'test') } },
  { op: 'derive', columns: [{ as: 'month', expr: { k: 'call', fn: 'date_trunc', args: [lit(text, 'month'), column('day')] } }, { as: 'gross', expr: { k: 'bin', op: '*', l: column('total'), r: lit({ kind: 'dec', precision: 3, scale: 2 }, '1.19') } }] },
  { op: 'rename', names: new Map([['customer', 'buyer']]) },
  { op: 'filter', where: { k: 'bin', op: '>', l: column('gross'), r: lit({ kind: 'dec', precision: 4, scale: 2 }, '10.00') } },
  { op: 'group', by: ['month', 'status'], measures: [{ as: 'orders', fn: 'count', arg: null, where: null }, { as: 'buyers', fn: 'max', arg: column('buyer'), where: null }, { as: 'gross', fn: 'sum', arg: column('gross'), where: null }] },
];
/** With the types that the steps give: `date_trunc` of DuckDB answers a timestamp for a date. */
const BY_HAND = `SELECT date_trunc('month', day)::DATE AS c0, status AS c1, count(*) AS c2, max(customer) AS c3, sum(total * 1.19) AS c4 FROM orders WHERE status <> 'test' AND total * 1.19 > 10 GROUP BY ALL`;
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** @returns CPU seconds of both, and how many times as long the printed one takes: the median over pairs that ran one after the other */
export async function fusedSteps(gate, rounds) {
  const sql = gate.sqlFor('duckdb');
  const input = Object.entries(types).map(([name, type]) => ({ name, type, native: natives[name], nullable: true }));
  const { stages } = gate.fuseSteps(steps, new Map(Object.entries(types)));
  const printed = gate.compile(gate.printTransform('duckdb', { input, stages: [...stages] }, { from: sql`orders AS t`, column: (name) => sql`t.${gate.identifier(name)}` }).rows);
  const database = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1GB', preserve_insertion_order: 'false' });
  const connection = await database.connect();
  const timed = async (statement, params) => {
    const began = process.cpuUsage();
    const rows = (await connection.runAndReadAll(statement, params)).getRowsJson();
    const { user, system } = process.cpuUsage(began);
    return { seconds: (user + system) / 1e6, rows: rows.map((row) => row.map((value) => (/^-?\d+\.\d+$/.test(String(value)) ? Number(value) : String(value))).join(' | ')).sort().join('\n') };
  };
  try {
    await connection.run(`CREATE TABLE orders AS SELECT range AS id, range % 9973 AS customer, ['paid', 'open', 'test', 'void'][1 + range % 4] AS status, CAST((range * 7919 % 100000) / 100 AS DECIMAL(12,2)) AS total, DATE '2024-01-01' + CAST(range % 700 AS INTEGER) AS day FROM range(${ROWS})`);
    const pairs = [];
    for (let round = 0; round <= rounds; round += 1) {
      const order = round % 2 === 0;
      const first = await (order ? timed(BY_HAND) : timed(printed.text, [...printed.params]));
      const second = await (order ? timed(printed.text, [...printed.params]) : timed(BY_HAND));
      const [hand, ours] = order ? [first, second] : [second, first];
      if (hand.rows !== ours.rows) throw new Error(`the two do not answer alike:\n${hand.rows.slice(0, 300)}\n${ours.rows.slice(0, 300)}`);
      if (round > 0) pairs.push({ hand: hand.seconds, ours: ours.seconds });
    }
    return { hand: median(pairs.map(({ hand }) => hand)), ours: median(pairs.map(({ ours }) => ours)), times: median(pairs.map(({ hand, ours }) => ours / hand)), statement: printed.text };
  } finally { connection.closeSync(); database.closeSync(); }
}
export const FUSED_ROWS = ROWS;
