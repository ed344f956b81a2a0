// `npm run proof -- corpus`: the gate of foreign SQL against attacks, against a frozen corpus of honest queries, and against itself. `--write` writes the page that is compared otherwise.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cache, root } from '../install.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { sqlmapPayloads } from '../provision/sqlmap/sqlmap.mjs';
import { UNABLE, because } from '../tally.mjs';
import { gateBundle } from './corpus/bundle.mjs';
import { openDuck, openPostgres } from './corpus/engines.mjs';
import { runGates } from './corpus/gates.mjs';
import { reportPage } from './corpus/report.mjs';
import { runAttacks } from './corpus/run-attacks.mjs';
import { nodeKinds, queries, runQueries, tables } from './corpus/run-queries.mjs';

const page = join(root, 'docs', 'reference', 'sql-corpus.md');
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const timed = async (name, work) => { const began = Date.now(); const answer = await work(); say(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`); return answer; };

mkdirSync(cache, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'corpus-'));
let sqlmap = null;
try { sqlmap = sqlmapPayloads(cache); } catch (error) { say(`SKIPPED sqlmap: ${error.message}`); }
const gate = await gateBundle('whole');
const server = await startPostgres();
const parser = new gate.ParserChild(scratch, 'a query');
const engines = { duckdb: await openDuck(tables()), postgres: await openPostgres(server.url, tables()) };
const raw = { duckdb: await openDuck(), postgres: engines.postgres };
/** A parser that is given up after a quarter of a second may be asked again: a busy machine is no attack. */
const patient = { tree: async (text) => { for (let tries = 1; ; tries += 1) try { return await parser.tree(text); } catch (error) { if (error?.code !== 'sql.parser-lost' || tries === 5) throw error; } } };
/** The first line that is not as it stands. */
const differing = (stood, is) => { const lines = stood.split('\n'); return is.split('\n').find((line, nth) => line !== lines[nth]) ?? 'the end is missing'; };
let red = 0;
const must = (holds, says) => { if (!holds) { red += 1; say(`NOT PROVEN ${says}`); because(says); } };
try {
  const honest = await timed('queries', () => runQueries({ gate, parser: patient, engines }));
  const own = gate.attacks();
  const attacks = await timed('attacks', () => runAttacks({ gate, parser: patient, engines, raw, attacks: [...own, ...(sqlmap?.payloads ?? []).flatMap((payload) => gate.spliced(payload))] }));
  const kinds = await timed('kinds of nodes', () => nodeKinds({ gate, parser: patient, texts: [...queries().map(({ text }) => text), ...own.filter(({ of }) => of === 'other syntax' || of === 'quotes').map(({ text }) => text)] }));
  const gates = await timed('gate of the gate', () => runGates({ gate, tree: patient.tree }));
  const all = queries().length;
  must(own.length >= 2_000, `there are ${own.length} attacks, fewer than 2,000`);
  must(attacks.bypasses.length === 0, `${attacks.bypasses.length} bypasses: ${JSON.stringify(attacks.bypasses.slice(0, 5))}`);
  must(honest.failed.length === 0, `${honest.failed.length} printed queries do not run: ${honest.failed.slice(0, 5).join('; ')}`);
  must(all >= 300 && honest.refused.length <= all / 100, `${honest.refused.length} of ${all} honest queries are refused: ${honest.refused.map(({ name, code }) => `${name} ${code}`).join('; ')}`);
  must(kinds.undecided.length === 0 && kinds.unseen.length === 0, `kinds of nodes: not decided ${kinds.undecided.join(', ') || '-'}; never said ${kinds.unseen.join(', ') || '-'}`);
  for (const { check, refused, passes } of gates) must(refused && passes, `the check of ${check}: ${refused ? 'nothing passes without it' : 'its attack passes with it'}`);
  const text = reportPage({ attacks, queries: honest, kinds, gates, sqlmap });
  if (process.argv.includes('--write')) writeFileSync(page, text);
  else if (sqlmap) must(readFileSync(page, 'utf8') === text, `docs/reference/sql-corpus.md is stale (npm run proof -- corpus --write): ${differing(readFileSync(page, 'utf8'), text)}`);
  process.stdout.write(`\n${text.split('\n## Kinds')[0]}\n`);
} finally {
  await parser.stop();
  await Promise.all([engines.duckdb.stop(), raw.duckdb.stop(), engines.postgres.stop()]);
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(red ? 1 : sqlmap ? 0 : UNABLE);
