// Four services over a real Kafka: their state database is lost with two runs in their middle and one asked for by Kafka since the backup. The runbook brings it back.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf } from '../../bench/lineitem.mjs';
import { cache, root } from '../../install.mjs';
import { startKafka } from '../../provision/kafka/kafka-cluster.mjs';
import { provisionKafka } from '../../provision/kafka/provision.mjs';
import { databaseUrl, withClient } from '../../provision/standalone.mjs';
import { runBlock } from '../runbook.mjs';
import { openFleet, settingsIn } from '../upgrade/fleet.mjs';
import { apps } from '../upgrade/versions.mjs';
import { ask, caller, ended, furnish, goesOn, inTheMiddle, openEnds, pipelines } from './drill.mjs';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs');
const page = 'upgrade-and-restore.md';
const token = 'a-token-of-the-restore-proof';
const version = { name: 'own', programs: Object.fromEntries(apps.map((app) => [app, join(root, 'dist', 'apps', app, 'main.js')])) };
const schemas = ['orchestrator', 'worker', 'dag_generator', 'monitor'];
const copyTo = (name, to) => ({ name, from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'wh', dataset: `public.${name}`, ...to } });
const late = { requestId: 'since-the-backup', pipeline: copyTo('late', { load: 'upsert', key: ['id'] }), run: 'now' };
const unclear = { requestId: 'since-the-backup-unclear', pipeline: copyTo('unclear', {}), run: 'now' };

async function askByKafka(brokers, body) {
  const producer = new Kafka({ clientId: 'asker', brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic: 'etl.pipeline.requests', messages: [{ key: 'k', value: JSON.stringify(body) }] });
  await producer.disconnect();
}
/** The run of a request that came by Kafka, ended. */
async function endedRequest(call, requestId) {
  for (const until = Date.now() + 180_000; Date.now() < until; await sleep(100)) {
    const request = await call('GET', `/v1/requests/${requestId}`);
    if (request.runId) return ended(call, request.runId);
    if (request.failure) return { state: 'asks', code: request.failure.code };
  }
  throw new Error(`${requestId} has no run after three minutes`);
}
const sumOver = async (url, of) => withClient(url, async (client) => Number((await client.query(`select sum(n)::int as n from (${schemas.map((schema) => `select count(*) as n from ${schema}.${of}`).join(' union all ')}) x`)).rows[0].n));

/** @param rows of the source */
export async function services({ bin, say, must, rows }) {
  const cluster = await openEnds();
  const folder = mkdtempSync(join(tmpdir(), 'etl-services-drill-'));
  const kafka = await startKafka({ ...await provisionKafka(join(cache, 'kafka')), dir: join(folder, 'kafka') });
  const open = (state) => openFleet({ state, brokers: kafka.brokers.join(','), folder, env: settingsIn(folder, cluster, token) });
  const make = async (name) => { await withClient(cluster.url, (client) => client.query(`create database ${name}`)); return databaseUrl(cluster, name); };
  const run = (fleet, app, ...words) => { const { status, said } = fleet.command(app, version, ...words); if (status !== 0) throw new Error(`${app} ${words.join(' ')}: ${said}`); return said; };
  const start = async (fleet) => { await Promise.all(apps.map((app) => fleet.start(app, version))); return caller({ url: fleet.running('orchestrator')[0].url, token }); };
  let fleet;
  try {
    await furnish(cluster, rows);
    await withClient(cluster.wh, (client) => client.query('create table late (like upserted including all)'));
    const state = await make('etl_state');
    fleet = open(state);
    for (const app of apps) run(fleet, app, 'migrate');
    run(fleet, 'orchestrator', 'topics', 'create');
    let call = await start(fleet);
    const early = await ended(call, await ask(call, pipelines.early));
    must(early.state === 'succeeded', 'four services: a run ended green before the backup');
    const inFlight = [await ask(call, pipelines.fresh), await ask(call, pipelines.upserted)];
    for (const runId of inFlight) await inTheMiddle(cluster, runId);
    const taken = JSON.parse(runBlock(page, 'backup-deployment', { bin, cwd: folder, env: { STATE_URL: state } }));
    say(`backup: ${taken.rows} rows of ${taken.tables} tables in ${taken.seconds.toFixed(2)} s, while two runs are in their middle`);
    for (const runId of inFlight) must((await ended(call, runId)).state === 'succeeded', 'after the backup the target went on: the run ended green');
    await withClient(cluster.shop, (client) => client.query("update orders set note = 'newer' where id % 1000 = 0"));
    must((await ended(call, await ask(call, pipelines.upserted))).state === 'succeeded', 'a run that the backup has never heard of ended green');
    for (const one of [late, unclear]) {
      await askByKafka(kafka.brokers, one);
      must((await endedRequest(call, one.requestId)).state === 'succeeded', 'so did one that was asked for by Kafka since');
    }
    const [wanted, atBackup] = [await contentOf(cluster.shop, 'public.orders'), await contentOf(cluster.wh, 'public.fresh')];
    await fleet.kill();
    await withClient(cluster.url, (client) => client.query('drop database etl_state with (force)'));
    say('lost: four processes killed, the state database dropped; Kafka and the targets are as they were');

    const began = performance.now();
    const empty = await make('etl_restored');
    const restored = JSON.parse(runBlock(page, 'restore-deployment', { bin, cwd: folder, env: { EMPTY_URL: empty } }));
    must(restored.mended.unfinished >= 2, `${restored.mended.unfinished} runs had not ended; ${restored.resent} messages are sent again`);
    fleet = open(empty);
    for (const app of apps) run(fleet, app, 'topics', 'rejoin', restored.takenAt);
    call = await start(fleet);
    const upSeconds = (performance.now() - began) / 1000;
    const rtoSeconds = await goesOn(cluster, { call, inFlight, early, atBackup, wanted, began }, must);
    must((await endedRequest(call, late.requestId)).state === 'succeeded' && await contentOf(cluster.wh, 'public.late') === wanted, 'what was asked for by Kafka since the backup is asked again: green, each row once');
    const asks = await endedRequest(call, unclear.requestId);
    must(asks.code === 'request.ambiguous' && await contentOf(cluster.wh, 'public.unclear') === wanted, `one that does not say how to write into a table that is filled by now asks (${asks.code}), and writes nothing`);
    must((await ended(call, await ask(call, pipelines.upserted))).state === 'succeeded' && await contentOf(cluster.wh, 'public.upserted') === wanted, 'the next run of a pipeline is green, and source and target are equal');
    const letters = await sumOver(empty, 'dead_letter');
    for (const until = Date.now() + 30_000; await sumOver(empty, 'outbox where sent_at is null') > 0 && Date.now() < until;) await sleep(200);
    must(letters === 0 && await sumOver(empty, 'outbox where sent_at is null') === 0, `messages given up: ${letters}; all of the outboxes are sent`);
    say(`RTO of four services: ${upSeconds.toFixed(1)} s from an empty database to ready, ${rtoSeconds.toFixed(1)} s until every run of before had ended; restoring was ${restored.seconds.toFixed(1)} s of it`);
  } finally {
    await fleet?.kill().catch(() => undefined);
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
    await cluster.stop();
  }
}
