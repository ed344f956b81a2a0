// Foreign SQL: from a text to its renders, over the frozen corpus; and steps of a pipeline to their statement.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gateBundle } from '../proof/corpus/bundle.mjs';
import { queries, relations } from '../proof/corpus/run-queries.mjs';
import { FUSED_ROWS, fusedSteps } from './fused-steps.mjs';

const LANES = 32;
const RUN = { now: '2026-01-31 12:00:00' };
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export async function sql({ rounds = 6, say }) {
  const gate = await gateBundle('whole');
  const scratch = mkdtempSync(join(tmpdir(), 'bench-sql-'));
  const parser = new gate.ParserChild(scratch, 'a query');
  const schema = gate.schemaOf(relations());
  try {
    const texts = queries().flatMap(({ text, dialect }) => (gate.checked('/', () => gate.parserText({ text, dialect })).ok ? [{ text, dialect }] : []));
    const [perSecond, cpuMs] = [[], []];
    let asked = 0;
    const one = async (written) => {
      const tree = await parser.tree(gate.parserText(written));
      const read = gate.checked('/', () => gate.validateQuery(written, tree, { schema, policy: gate.POLICY_QUERY }));
      if (!read.ok) return 0;
      for (const dialect of ['duckdb', 'postgres']) gate.compile(gate.printQuery(dialect, read.value, RUN));
      return 1;
    };
    // As a service is asked: several at once, so that the parser reads one while another is checked and printed.
    const lane = async () => { let done = 0; while (asked < texts.length) done += await one(texts[asked++]); return done; };
    for (let round = 0; round <= rounds; round += 1) {
      const [began, used] = [performance.now(), process.cpuUsage()];
      asked = 0;
      const done = (await Promise.all(Array.from({ length: LANES }, lane))).reduce((sum, each) => sum + each, 0);
      // The first round warms up.
      const { user, system } = process.cpuUsage(used);
      if (round > 0) { cpuMs.push((user + system) / 1_000 / texts.length); perSecond.push(done / ((performance.now() - began) / 1_000)); }
    }
    const steps = stepsTimes(gate);
    const rate = median(perSecond);
    const fused = await fusedSteps(gate, 2 * rounds);
    const own = median(cpuMs);
    say(`sql: ${rate.toFixed(0)} SELECT/s, ${LANES} at once (CPU without the parser's ${own.toFixed(2)} ms each); 20 steps ${steps.toFixed(2)} CPU ms; fused ${fused.times.toFixed(3)}x of SQL by hand`);
    return { name: 'sql', rate, steps, fused: fused.times, lines: [['text to renders (DuckDB, PostgreSQL)', `${rate.toFixed(0)} SELECT/s`, `${LANES} at once, ${texts.length} queries of the corpus; CPU without the parser's ${own.toFixed(2)} ms each`, '>= 1,000/s'], ['20 steps printed', `${steps.toFixed(2)} CPU ms`, 'checked again and printed for PostgreSQL', '<= 5 ms'], ['fused steps on DuckDB', `${fused.times.toFixed(3)}x`, `${fused.ours.toFixed(3)} CPU s, by hand ${fused.hand.toFixed(3)}, ${FUSED_ROWS.toLocaleString('en')} rows: filter, derive, rename, filter, aggregate`, '<= 1.03x of SQL by hand']] };
  } finally {
    await parser.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}
/** CPU milliseconds of printing twenty stages that a pipeline could have. */
function stepsTimes(gate) {
  const i64 = { kind: 'i64' };
  const input = [{ name: 'id', type: i64, native: 'bigint', nullable: false }, { name: 'n', type: i64, native: 'bigint', nullable: true }, { name: 's', type: { kind: 'text' }, native: 'text', nullable: true }];
  const column = (name) => ({ k: 'col', name });
  const row = (nth) => ({ op: 'rows', columns: [{ name: 'id', expr: column('id') }, { name: 'n', expr: { k: 'bin', op: '+', l: column('n'), r: { k: 'lit', t: i64, v: String(nth) } } }, { name: 's', expr: { k: 'call', fn: 'lower', args: [column('s')] } }], where: { k: 'bin', op: '>', l: column('id'), r: { k: 'lit', t: i64, v: String(nth) } } });
  const first = { op: 'first', keys: ['id'], order: [{ e: column('n'), dir: 'asc', nulls: 'last' }] };
  const stages = Array.from({ length: 20 }, (_, nth) => (nth % 2 === 0 ? row(nth) : first));
  const sql = gate.sqlFor('postgres');
  const times = Array.from({ length: 40 }, () => {
    const began = process.cpuUsage();
    gate.compile(gate.printTransform('postgres', { input, stages }, { from: sql`t`, column: (name) => sql`${gate.identifier(name)}` }).rows);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1_000;
  });
  return median(times.slice(10));
}
