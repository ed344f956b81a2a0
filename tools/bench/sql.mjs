// Foreign SQL: from a text to its renders, over the frozen corpus; and steps of a pipeline to their statement.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gateBundle } from '../proof/corpus/bundle.mjs';
import { queries, relations } from '../proof/corpus/run-queries.mjs';

const RUN = { now: '2026-01-31 12:00:00' };
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export async function sql({ rounds = 4, say }) {
  const gate = await gateBundle('whole');
  const scratch = mkdtempSync(join(tmpdir(), 'bench-sql-'));
  const parser = new gate.ParserChild(scratch, 'a query');
  const schema = gate.schemaOf(relations());
  try {
    const texts = queries().flatMap(({ text, dialect }) => (gate.checked('/', () => gate.parserText({ text, dialect })).ok ? [{ text, dialect }] : []));
    const spent = { parse: [], check: [], print: [] };
    const [perSecond, cpuMs] = [[], []];
    for (let round = 0; round <= rounds; round += 1) {
      const used = process.cpuUsage();
      const [began, cpu] = [performance.now(), { parse: 0, check: 0, print: 0 }];
      let done = 0;
      for (const written of texts) {
        const a = performance.now();
        const tree = await parser.tree(gate.parserText(written));
        const b = performance.now();
        const read = gate.checked('/', () => gate.validateQuery(written, tree, { schema, policy: gate.POLICY_QUERY }));
        const c = performance.now();
        if (read.ok) { gate.compile(gate.printQuery('duckdb', read.value, RUN)); gate.compile(gate.printQuery('postgres', read.value, RUN)); done += 1; }
        cpu.parse += b - a; cpu.check += c - b; cpu.print += performance.now() - c;
      }
      // The first round warms up.
      const { user, system } = process.cpuUsage(used);
      if (round > 0) { cpuMs.push((user + system) / 1_000 / texts.length); perSecond.push(done / ((performance.now() - began) / 1_000)); for (const part of ['parse', 'check', 'print']) spent[part].push(cpu[part] / texts.length); }
    }
    const steps = stepsTimes(gate);
    const rate = median(perSecond);
    say(`sql: ${rate.toFixed(0)} SELECT/s (parse ${median(spent.parse).toFixed(2)}, check ${median(spent.check).toFixed(2)}, print ${median(spent.print).toFixed(2)} ms each; CPU without the parser ${median(cpuMs).toFixed(2)} ms); 20 steps ${steps.toFixed(2)} CPU ms`);
    return { name: 'sql', rate, steps, lines: [['text to renders (DuckDB, PostgreSQL)', `${rate.toFixed(0)} SELECT/s`, `parse ${median(spent.parse).toFixed(2)} ms, check ${median(spent.check).toFixed(2)} ms, print ${median(spent.print).toFixed(2)} ms each, CPU without the parser's ${median(cpuMs).toFixed(2)} ms, ${texts.length} queries of the corpus`, '>= 1,000/s'], ['20 steps printed', `${steps.toFixed(2)} CPU ms`, 'checked again and printed for PostgreSQL', '<= 5 ms']] };
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
