// Requests by REST and by Kafka while the services are replaced, and the reckoning afterwards: as many green runs as requests, each row of each target once.
import { setTimeout as sleep } from 'node:timers/promises';
import { createRequire } from 'node:module';
import { withClient } from '../../provision/standalone.mjs';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs');
/** Sources and their rows. One run in eight takes a while; the first of three that take many seconds is asked just before the worker is replaced. */
export const tables = { orders: 500, parcels: 400_000, freight: 2_000_000 };
const sourceOf = (nth) => (nth % 64 === 16 ? 'freight' : nth % 8 === 0 ? 'parcels' : 'orders');
const pipelineOf = (nth) => ({ name: `load_${nth}`, from: { connection: 'shop', dataset: `public.${sourceOf(nth)}` }, to: { connection: 'wh', dataset: `public.t_${nth}` } });
const bodyOf = (nth) => ({ requestId: `upgrade-${nth}`, pipeline: pipelineOf(nth), run: 'now' });

/** Asks for `count` runs, one after the other at the given pace, every second one as a line on the public topic. A door that closes is tried again with the same id. */
export async function askFor({ count, paceMs, doors, token, brokers, onAsked }) {
  const producer = new Kafka({ clientId: 'asker', brokers: brokers.split(','), logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  let again = 0;
  for (let nth = 0; nth < count; nth += 1) {
    if (nth % 2) await producer.send({ topic: 'etl.pipeline.requests', messages: [{ key: String(nth), value: JSON.stringify(bodyOf(nth)) }] });
    else for (;;) {
      const door = doors().at(-1);
      const answer = door && await fetch(`${door}/v1/requests`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' }, body: JSON.stringify(bodyOf(nth)) }).catch(() => null);
      if (answer?.ok) break;
      if (answer && answer.status < 500) throw new Error(`request ${nth}: ${answer.status} ${await answer.text()}`);
      again += 1;
      await sleep(100);
    }
    onAsked(nth + 1);
    await sleep(paceMs);
  }
  await producer.disconnect();
  return { again };
}

/** Waits until every request has a run that ended, at most so long. */
export async function allEnded(state, count, mostMs) {
  for (const end = Date.now() + mostMs; ; await sleep(500)) {
    const open = await withClient(state, async (client) => (await client.query(`select ($1 - count(*) filter (where request.state in ('finished', 'failed')))::int as n from orchestrator.request where request_id like 'upgrade-%'`, [count])).rows[0].n);
    if (open === 0 || Date.now() > end) return open;
  }
}

/** What the state and the targets say of all requests: each of these must be nothing, or all. */
export async function reckon(state, warehouse, count) {
  const found = await withClient(state, async (client) => {
    const one = async (text) => (await client.query(text)).rows[0];
    return {
      requests: (await one(`select count(*)::int as n from orchestrator.request where request_id like 'upgrade-%'`)).n,
      ...await one(`select count(*)::int as runs, count(*) filter (where state = 'succeeded')::int as green, count(*) filter (where state <> 'succeeded')::int as failed, count(distinct request_id)::int as "runsOfDistinctRequests",
        count(*) filter (where (receipt ->> 'reconciled')::boolean and (receipt ->> 'read')::int = expected and (receipt ->> 'written')::int = expected and (receipt ->> 'published')::int = expected)::int as receipts, count(*) filter (where ignored > 0)::int as "withLateEvents" from orchestrator.run, lateral (select case when split_part(pipeline, '_', 2)::int % 64 = 16 then ${tables.freight} when split_part(pipeline, '_', 2)::int % 8 = 0 then ${tables.parcels} else ${tables.orders} end as expected) as x where kind = 'copy'`),
      failures: (await client.query(`select failure ->> 'code' as code, count(*)::int as n from orchestrator.run where kind = 'copy' and failure is not null group by 1`)).rows,
      tasks: await one(`select count(*)::int as tasks, sum(attempt)::int as attempts, count(*) filter (where attempt > 1)::int as repeated from orchestrator.task_run join orchestrator.run using (tenant_id, run_id) where run.kind = 'copy'`),
      letters: (await one(['orchestrator', 'worker', 'dag_generator', 'monitor'].map((schema) => `select count(*)::int as n from ${schema}.dead_letter`).join(' union all ').replace(/^/, 'select sum(n)::int as n from (').concat(') x'))).n,
      unsent: (await one(['orchestrator', 'worker', 'dag_generator', 'monitor'].map((schema) => `select count(*)::int as n from ${schema}.outbox where sent_at is null`).join(' union all ').replace(/^/, 'select sum(n)::int as n from (').concat(') x'))).n,
      views: (await one(`select count(*)::int as n from monitor.run_view where kind = 'copy' and view ->> 'state' = 'succeeded'`)).n,
      ofNext: (await one(['orchestrator', 'worker', 'dag_generator', 'monitor'].map((schema) => `select count(*)::int as n from ${schema}.outbox where headers ? 'etl_next'`).join(' union all ').replace(/^/, 'select sum(n)::int as n from (').concat(') x'))).n,
    };
  });
  const targets = await withClient(warehouse, async (client) => {
    const wrong = [];
    for (let nth = 0; nth < count; nth += 1) {
      const rows = tables[sourceOf(nth)];
      const { rows: [row] } = await client.query(`select count(*)::int as n, count(distinct id)::int as ids, sum(id::bigint)::float8 as sum from public.t_${nth}`).catch((error) => ({ rows: [{ n: -1, ids: 0, sum: error.message }] }));
      if (row.n !== rows || row.ids !== rows || row.sum !== (rows * (rows + 1)) / 2) wrong.push({ target: `t_${nth}`, ...row });
    }
    return wrong;
  });
  return { ...found, targets };
}
