// Runs of every kind on a real standalone, and what they left behind: each message of the outboxes, and each run as it began, what was reported to it, and how it ended.
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../provision/postgres.mjs';
import { databaseUrl, startStandalone, withClient } from '../provision/standalone.mjs';
import { workerOf } from '../bench/process-tree.mjs';

const final = ['succeeded', 'failed', 'cancelled'];
const copyOf = (name, more = {}, to = {}) => ({ name, from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'wh', dataset: `public.${name}`, ...to }, ...more });
async function until(ask) {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(50)) { const found = await ask(); if (found) return found; }
  throw new Error('not within two minutes');
}
const request = (call, requestId) => call('GET', `/v1/requests/${requestId}`);
const run = (call, runId) => until(async () => { const found = await call('GET', `/v1/runs/${runId}`); return final.includes(found.state) ? found : null; });
async function asked(call, pipeline, decide = 'approve') {
  const { requestId } = await call('POST', '/v1/requests', { pipeline, run: 'now' });
  return until(async () => {
    const found = await request(call, requestId);
    if (found.state === 'waiting' && found.planId) await call('POST', `/v1/plans/${found.planId}/${decide}`).catch(() => undefined);
    return found.runId || ['failed', 'finished'].includes(found.state) ? found : null;
  });
}

async function everyKind(cluster, standalone) {
  const { call } = standalone;
  for (const load of [copyOf('plain'), copyOf('upserted', {}, { load: 'upsert', key: ['id'] }), copyOf('checked', { checks: [{ range: { column: 'id', from: 3 } }], onFail: { quarantine: { atMost: '5%' } }, steps: [{ derive: { twice: 'id * 2' } }] })]) await run(call, (await asked(call, load)).runId);
  await run(call, (await asked(call, copyOf('too_bad', { checks: [{ range: { column: 'id', to: 10 } }] }))).runId);
  await asked(call, { ...copyOf('nowhere'), from: { connection: 'shop', dataset: 'public.not_there' } });
  await asked(call, copyOf('refused', {}, { load: 'replace' }), 'refuse');
  const { planId } = await asked(call, copyOf('scheduled', { schedule: { cron: '* * * * *', timezone: 'UTC' } }, { load: 'upsert', key: ['id'] }));
  await call('POST', '/v1/airflow-deadlines', { plan: planId, run_id: 'scheduled__2026-01-01T00:00:00+00:00' });
  const cancelled = await asked(call, { ...copyOf('cancelled'), from: { connection: 'shop', dataset: 'public.parcels' } });
  await call('POST', `/v1/runs/${cancelled.runId}/cancel`, { reason: 'a person changed their mind' }).catch(() => call('POST', `/v1/runs/${cancelled.runId}/cancel`));
  await run(call, cancelled.runId);
  const interrupted = await asked(call, { ...copyOf('interrupted'), from: { connection: 'shop', dataset: 'public.parcels' } });
  await until(() => withClient(cluster.wh, async (client) => (await client.query('select from _etl.ledger where run_id = $1 and rows is not null', [interrupted.runId])).rowCount));
  process.kill(workerOf(standalone), 'SIGKILL');
  await run(call, interrupted.runId);
  await until(() => withClient(databaseOf(standalone), async (client) => (await client.query('select from orchestrator.schedule_slot where outcome is not null')).rowCount));
  await call('POST', '/v1/pipelines/scheduled/pause');
  await sleep(2_000);
}
const databaseOf = ({ postgresUrl }) => Object.assign(new URL(postgresUrl), { pathname: '/agent_etl' }).href;

const iso = (at) => (at ? new Date(at).toISOString() : null);
const runOf = (row) => ({ runId: row.run_id, kind: row.kind, planId: row.plan_id, requestId: row.request_id, pipelineId: row.pipeline_id, pipeline: row.pipeline, driver: row.driver, targetKey: row.target_key, approvedBy: row.approved_by,
  state: 'queued', deadline: iso(row.deadline), cancelReason: null, startedAt: iso(row.started_at), finishedAt: null, receipt: null, failure: null, ignored: 0 });
const taskOf = (row) => ({ taskRunId: row.task_run_id, id: row.id, kind: row.kind, spec: row.spec, after: row.after, state: 'waiting', attempt: 0, failures: 0, losses: 0, readyAt: null, worker: null, progress: null, result: null, failure: null, startedAt: null, finishedAt: null });
const taskEvents = { 'task.run.started.v1': 'started', 'task.run.succeeded.v1': 'succeeded', 'task.run.failed.v1': 'failed', 'task.run.cancelled.v1': 'cancelled' };

async function left(client) {
  const messages = [];
  for (const schema of ['orchestrator', 'worker', 'dag_generator', 'monitor']) {
    for (const row of (await client.query(`select seq, headers, body, created_at from ${schema}.outbox where headers ? 'ce_type' and not headers ? 'dlq_id' order by seq`)).rows) messages.push({ type: row.headers.ce_type, at: iso(row.created_at), value: JSON.parse(row.body.toString('utf8')) });
  }
  const { rows: runs } = await client.query('select * from orchestrator.run where finished_at is not null order by started_at');
  const histories = [];
  for (const row of runs) {
    const { rows: tasks } = await client.query('select * from orchestrator.task_run where run_id = $1 order by ordinal', [row.run_id]);
    const reported = messages.filter(({ type, value }) => taskEvents[type] && value.runId === row.run_id).map(({ type, at, value: { runId: _, ...value } }) => ({ at, event: { type: taskEvents[type], ...value } }));
    const cancels = messages.filter(({ type, value }) => type === 'task.run.cancel-requested.v1' && tasks.some((task) => task.task_run_id === value.taskRunId)).slice(0, row.cancel_reason ? 1 : 0).map(({ at }) => ({ at, event: { type: 'cancel-asked', reason: row.cancel_reason } }));
    histories.push({ begun: { ...runOf(row), tasks: tasks.map(taskOf) }, events: [...reported, ...cancels].sort((a, b) => a.at.localeCompare(b.at)),
      ended: { state: row.state, failure: row.failure?.code ?? null, tasks: tasks.map(({ id, state, attempt }) => ({ id, state, attempt })) } });
  }
  return { messages, histories };
}

/** The same without the names of this machine. */
const ofNoPlace = (found, folder) => JSON.parse(JSON.stringify(found).replaceAll(folder, '/project').replaceAll(hostname(), 'worker-host'));
/** Runs of every kind, then what they left. */
export async function realRuns() {
  const cluster = await startPostgres();
  let standalone;
  try {
    await withClient(cluster.url, async (client) => { for (const name of ['shop', 'wh']) await client.query(`create database ${name}`); });
    const ends = { shop: databaseUrl(cluster, 'shop'), wh: databaseUrl(cluster, 'wh') };
    await withClient(ends.shop, (client) => client.query(`create table orders as select n as id, md5(n::text) as note from generate_series(1, 50) n; alter table orders add primary key (id); create table parcels as select n as id, repeat(md5(n::text), 12) as note from generate_series(1, 150000) n; alter table parcels add primary key (id); analyze`));
    await withClient(ends.wh, (client) => client.query('create table upserted (id int primary key, note text); create table scheduled (id int primary key, note text); create table refused (id int primary key, note text); insert into refused select n from generate_series(1, 5) n'));
    standalone = await startStandalone(ends, { args: ['--workers', 'process'], env: { ETL_ETL_WORKER_LEASE_MS: '2000' } });
    await everyKind({ ...cluster, ...ends }, standalone);
    return ofNoPlace(await withClient(databaseOf(standalone), left), standalone.folder);
  } finally {
    await standalone?.stop();
    await cluster.stop();
  }
}
