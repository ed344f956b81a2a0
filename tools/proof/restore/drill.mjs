// The embedded standalone: lost with everything in its folder, back from one file.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf } from '../../bench/lineitem.mjs';
import { pidsOf } from '../../bench/process-tree.mjs';
import { startPostgres } from '../../provision/postgres.mjs';
import { databaseUrl, serverPidOf, startStandalone, withClient } from '../../provision/standalone.mjs';
import { runBlock } from '../runbook.mjs';

const page = 'upgrade-and-restore.md';
const final = ['succeeded', 'failed', 'cancelled'];
const columns = 'id bigint primary key, customer int not null, note text';
const copyOf = (name, to) => ({ name, from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'wh', dataset: `public.${name}`, ...to } });
export const pipelines = { fresh: copyOf('fresh', {}), upserted: copyOf('upserted', { load: 'upsert', key: ['id'] }), early: copyOf('early', {}) };

export const caller = ({ url, token }) => async (method, path, body) => {
  const answer = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
  return answer.json();
};
export async function ask(call, pipeline) {
  const { requestId } = await call('POST', '/v1/requests?wait=1', { pipeline, run: 'now' });
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    const request = await call('GET', `/v1/requests/${requestId}`);
    if (request.state === 'waiting' && request.planId) await call('POST', `/v1/plans/${request.planId}/approve`);
    if (request.runId) return request.runId;
    if (request.failure) throw new Error(JSON.stringify(request.failure));
  }
  throw new Error('no run within a minute');
}
export async function ended(call, runId) {
  for (const end = Date.now() + 180_000; Date.now() < end; await sleep(50)) {
    const run = await call('GET', `/v1/runs/${runId}`);
    if (final.includes(run.state)) return run;
  }
  throw new Error(`run ${runId} did not end within three minutes`);
}
/** Pieces in the target's ledger, publishing counted apart. */
export const ledgerOf = (cluster, runId) => withClient(cluster.wh, async (client) => {
  if (!(await client.query("select to_regclass('_etl.ledger') as there")).rows[0].there) return { pieces: 0, published: 0 };
  return (await client.query("select count(*) filter (where chunk_key <> 'publish' and rows is not null)::int as pieces, count(*) filter (where chunk_key = 'publish')::int as published from _etl.ledger where run_id = $1", [runId])).rows[0];
});
export async function inTheMiddle(cluster, runId) { for (const end = Date.now() + 60_000; (await ledgerOf(cluster, runId)).pieces === 0; await sleep(5)) if (Date.now() > end) throw new Error('nothing was committed within a minute'); }
function destroy(standalone) {
  for (const pid of [...pidsOf(standalone.pid), serverPidOf(standalone)]) try { process.kill(pid, 'SIGKILL'); } catch { /* it has ended */ }
}

/** Source and target of the pipelines: throw-away, so nothing waits for its disk. */
export async function openEnds() {
  const cluster = await startPostgres({ settings: { shared_buffers: '256MB', max_wal_size: '4GB', jit: 'off' } });
  await withClient(cluster.url, async (client) => { for (const name of ['shop', 'wh']) await client.query(`create database ${name}`); });
  return { ...cluster, shop: databaseUrl(cluster, 'shop'), wh: databaseUrl(cluster, 'wh') };
}

/** The tables that the pipelines read and write. */
export async function furnish(cluster, rows) {
  await withClient(cluster.shop, async (client) => { await client.query(`create table orders (${columns})`); await client.query(`insert into orders select n, n % 1000, md5(n::text) from generate_series(1, ${rows}) n`); await client.query('vacuum analyze orders'); });
  await withClient(cluster.wh, (client) => client.query(`create table upserted (${columns})`));
}

/** What holds after every restore: each run that was in flight ends green, or red with its reason, and published once at most; targets and receipts are as they were.
 * @returns seconds from `began` until the last of those runs had ended */
export async function goesOn(cluster, { call, inFlight, early, atBackup, wanted, began }, must) {
  const ends = await Promise.all(inFlight.map((runId) => ended(call, runId)));
  const seconds = (performance.now() - began) / 1000;
  for (const [nth, { state, tasks, failure }] of ends.entries()) {
    must(state === 'succeeded' || (state === 'failed' && failure), `run in flight ${nth + 1} is ${state === 'succeeded' ? `green after ${tasks.map(({ id, attempts }) => `${id} ${attempts}`).join(', ')} attempts` : `red: ${failure.code}`}`);
  }
  for (const runId of inFlight) must((await ledgerOf(cluster, runId)).published <= 1, 'its target was published once');
  must(await contentOf(cluster.wh, 'public.fresh') === atBackup, 'the target that was filled before and after the backup holds the same rows as before the loss: nothing lost, nothing doubled');
  must(await contentOf(cluster.wh, 'public.upserted') === wanted, 'what the unknown run wrote stands: the older run did not write over it');
  must((await call('GET', `/v1/runs/${early.runId}`)).receipt.signature === early.receipt.signature, 'the receipt of before is there');
  return seconds;
}
/** @param rows of the source */
export async function drill({ bin, say, must, rows }) {
  const cluster = await openEnds();
  const folder = mkdtempSync(join(tmpdir(), 'etl-drill-'));
  let standalone;
  let restored;
  try {
    await furnish(cluster, rows);
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh }, { folder });
    const early = await ended(standalone.call, await ask(standalone.call, pipelines.early));
    must(early.state === 'succeeded', 'a run ended green before the backup');
    writeFileSync(join(folder, 'early.receipt.json'), JSON.stringify(early.receipt));

    const inFlight = [await ask(standalone.call, pipelines.fresh), await ask(standalone.call, pipelines.upserted)];
    for (const runId of inFlight) await inTheMiddle(cluster, runId);
    const before = await Promise.all(inFlight.map((runId) => ledgerOf(cluster, runId)));
    const taken = JSON.parse(runBlock(page, 'backup', { bin, cwd: folder }));
    const backupAt = Date.now();
    say(`backup: ${taken.rows} rows of ${taken.tables} tables in ${taken.seconds.toFixed(2)} s, while two runs had ${before.map(({ pieces }) => pieces).join(' and ')} pieces in their targets`);

    // The targets go on: both runs end, the source changes, and a run follows that the backup has never heard of.
    for (const runId of inFlight) must((await ended(standalone.call, runId)).state === 'succeeded', 'after the backup the target went on: the run ended green');
    await withClient(cluster.shop, (client) => client.query("update orders set note = 'newer' where id % 1000 = 0"));
    const unknown = await ended(standalone.call, await ask(standalone.call, pipelines.upserted));
    must(unknown.state === 'succeeded', 'a run that the backup has never heard of ended green');
    const wanted = await contentOf(cluster.shop, 'public.orders');
    const atBackup = await contentOf(cluster.wh, 'public.fresh');
    destroy(standalone);
    const lost = Date.now();
    for (const path of [join(folder, '.agent-etl'), standalone.postgresFolder]) rmSync(path, { recursive: true, force: true });
    say(`lost: every process killed, folder and database removed, ${((lost - backupAt) / 1000).toFixed(1)} s after the backup`);

    const began = performance.now();
    const said = runBlock(page, 'restore', { bin, cwd: folder });
    const file = JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1).split(/\n(?=\{)/)[0]);
    restored = JSON.parse(readFileSync(join(folder, 'restored', '.agent-etl', 'run.json'), 'utf8'));
    const upSeconds = (performance.now() - began) / 1000;
    must(file.mended.unfinished >= 2, `${file.mended.unfinished} runs had not ended; ${file.resent} messages are sent again`);
    const call = caller(restored);
    const rtoSeconds = await goesOn(cluster, { call, inFlight, early, atBackup, wanted, began }, must);
    say(runBlock(page, 'receipts', { bin, cwd: folder }).split('\n')[0].trim());
    const again = await ended(call, await ask(call, pipelines.upserted));
    must(again.state === 'succeeded' && await contentOf(cluster.wh, 'public.upserted') === wanted, 'the next run of a pipeline is green, and source and target are equal');
    say(`RTO: ${upSeconds.toFixed(1)} s from nothing to ready, ${rtoSeconds.toFixed(1)} s until every run of before had ended; restoring the file was ${file.seconds.toFixed(1)} s of it. RPO: what came after the backup`);

    const bad = join(folder, 'bad.backup');
    const bytes = readFileSync(join(folder, 'state.backup'));
    bytes[bytes.byteLength >> 1] ^= 1;
    writeFileSync(bad, bytes);
    mkdirSync(join(folder, 'other'));
    copyFileSync(join(folder, 'agent-etl.yaml'), join(folder, 'other', 'agent-etl.yaml'));
    const refused = JSON.parse(runBlock(page, 'refused', { bin, cwd: folder, expect: 1 }));
    must(refused.error.code === 'backup.invalid', `with one bit flipped: ${refused.error.text}`);
    must(readdirSync(join(folder, 'other')).join() === 'agent-etl.yaml', 'and nothing was made of it: no folder, no server');
  } finally {
    if (restored) try { process.kill(restored.pid, 'SIGTERM'); } catch { /* it has ended */ }
    await standalone?.stop().catch(() => undefined);
    await sleep(3000);
    for (const path of [folder, restored?.postgresFolder]) if (path) rmSync(path, { recursive: true, force: true });
    await cluster.stop();
  }
}
