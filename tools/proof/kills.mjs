// The worker of a copy of six million rows is killed by `kill -9` in the middle, twice. Then the run must be green by itself, all that the universal oracle asks must hold,
// and the ledger must show that nothing which was committed before a kill was done again. `--rows N` for less.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SF1_ROWS, loadLineitem, openCluster } from '../bench/lineitem.mjs';
import { workerOf } from '../bench/process-tree.mjs';
import { startStandalone, withClient } from '../provision/standalone.mjs';
import { mustBeSound } from './soundness.mjs';

const { values } = parseArgs({ options: { rows: { type: 'string', default: String(SF1_ROWS) } } });
const rows = Number(values.rows);
const say = (text) => { process.stdout.write(`  ${text}\n`); };
const must = (isSo, text) => { if (!isSo) throw new Error(`NOT SO: ${text}`); say(`ok  ${text}`); };
/** Waits for an answer that is neither null nor false. */
async function until(what, limitMs, ask) {
  for (const end = Date.now() + limitMs; ; await sleep(50)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
  }
}
const pieces = (cluster) => withClient(cluster.wh, async (client) => {
  const { rows: [there] } = await client.query("select to_regclass('_etl.ledger') is not null as yes");
  if (!there.yes) return [];
  const found = await client.query("select chunk_key, attempt, rows::int, written_at::text from _etl.ledger where chunk_key <> 'publish' and rows is not null order by written_at");
  return found.rows;
});
/** Rows that the server has ever been sent for the table, also in transactions that were rolled back: what is more than its rows was done again. */
const insertedRows = (cluster) => withClient(cluster.wh, async (client) => {
  const { rows: [{ n }] } = await client.query("select n_tup_ins as n from pg_stat_user_tables where relid = 'public.lineitem'::regclass");
  return Number(n);
});
/** Connections at the source: whoever holds a picture for an attempt that may come. */
const holders = (url) => withClient(url, async (client) => {
  const { rows: [{ n }] } = await client.query("select count(*) as n from pg_stat_activity where datname = current_database() and application_name like 'agent-etl%'");
  return Number(n);
});

/** Kills the worker once this attempt has committed `committed` pieces. Answers the ledger right after. */
async function killAfter(cluster, standalone, { attempt, committed }) {
  await until(`attempt ${attempt} commits ${committed} pieces`, 120_000, async () => (await pieces(cluster)).filter((piece) => piece.attempt === attempt).length >= committed);
  const pid = workerOf(standalone);
  process.kill(pid, 'SIGKILL');
  await sleep(300); // the server ends what the dead client had open
  const ledger = await pieces(cluster);
  say(`kill -9 of worker ${pid}: ${ledger.length} pieces in the ledger, ${ledger.reduce((sum, piece) => sum + piece.rows, 0).toLocaleString('en')} rows`);
  return ledger;
}

const cluster = await openCluster();
let standalone;
try {
  await loadLineitem(cluster, rows);
  standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh }, { args: ['--workers', 'process'] });
  const ends = { from: { connection: 'shop', dataset: 'public.lineitem' }, to: { connection: 'wh', dataset: 'public.lineitem' } };
  const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline: { name: 'killed_twice', ...ends }, run: 'now' });
  const first = await killAfter(cluster, standalone, { attempt: 1, committed: 3 });
  const second = await killAfter(cluster, standalone, { attempt: 2, committed: 3 });
  const run = await until('the run ends', 300_000, async () => {
    const { runId } = await standalone.call('GET', `/v1/requests/${requestId}`);
    const found = runId && await standalone.call('GET', `/v1/runs/${runId}`);
    return found && ['succeeded', 'failed', 'cancelled'].includes(found.state) ? found : null;
  });
  must(run.state === 'succeeded' && run.receipt.reconciled, `the run is green and reconciled: read ${run.receipt?.read} = filtered ${run.receipt?.filtered} + rejected ${run.receipt?.rejected} + written ${run.receipt?.written}`);
  await mustBeSound({ cluster, standalone }, { runId: run.runId, rows: { source: 'select * from lineitem', target: 'select * from lineitem' }, sessions: 'must be gone' });
  say('ok  source and target are equal, row by row, and what the run leaves in ledger, state, messages, receipt, view and feed is sound: no staging table, lock or connection is left');
  const last = await pieces(cluster);
  const attempts = [1, 2, 3].map((attempt) => last.filter((piece) => piece.attempt === attempt).length);
  const same = (piece) => last.some((other) => other.chunk_key === piece.chunk_key && other.attempt === piece.attempt && other.written_at === piece.written_at);
  must(first.every(same) && second.every(same), `none of the ${second.length} pieces from before the kills was written again`);
  must(attempts.reduce((sum, n) => sum + n, 0) === run.receipt.chunks, `each of the ${run.receipt.chunks} pieces stands once in the ledger: ${attempts.map((n, index) => `${n} by attempt ${index + 1}`).join(', ')}`);
  const { chunks: { parallel: lanes } } = (await standalone.call('GET', `/v1/plans/${run.planId}`)).tasks.find(({ kind }) => kind === 'load');
  const redone = await insertedRows(cluster) - rows;
  const most = 2 * lanes * Math.max(...last.map((piece) => piece.rows));
  must(redone <= most, `${redone.toLocaleString('en')} rows were sent again after two kills; one piece for each of ${lanes} lanes would be ${most.toLocaleString('en')}`);
  await until('no picture is held at the source', 45_000, async () => await holders(cluster.shop) === 0);
  say('ok  no picture is left');
} catch (error) {
  process.stdout.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
} finally {
  await standalone?.stop();
  await cluster.stop();
}
