// How long a request takes where no rows move: from POST to the committed plan, and from POST to a green run of an empty table.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStandalone, withClient } from '../provision/standalone.mjs';
import { openCluster } from './lineitem.mjs';
import { percentile } from './statistics.mjs';

const warmUp = 10;
const figures = (values) => `p50 ${percentile(values, 0.5).toFixed(0)} ms, p95 ${percentile(values, 0.95).toFixed(0)} ms`;
const from = { connection: 'shop', dataset: 'public.orders' };

/** One standalone, one small table on loopback; `work` runs between. */
async function withOrders(table, work) {
  const cluster = await openCluster();
  let standalone;
  try {
    await withClient(cluster.shop, async (client) => { await client.query(table); await client.query('vacuum analyze public.orders'); });
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
    return await work(standalone);
  } finally { await standalone?.stop(); await cluster.stop(); }
}
/** One after the other, each until the API answers that there is a plan: that is after the commit of plan.proposed. */
export function plan({ requests, say }) {
  const orders = 'create table public.orders as select g as order_id, g % 100 as customer, now() as at, md5(g::text) as note from generate_series(1, 10000) g';
  return withOrders(orders, async (standalone) => {
    const walls = [];
    for (let nth = 0; nth < requests + warmUp; nth += 1) {
      const began = performance.now();
      const answer = await standalone.call('POST', '/v1/plans?wait=30', { pipeline: { name: `plan_${nth}`, from, to: { connection: 'wh', dataset: `public.copy_${nth}` } } });
      if (answer.state !== 'planned') throw new Error(`no plan: ${JSON.stringify(answer)}`);
      if (nth >= warmUp) walls.push(performance.now() - began);
    }
    say(`POST ?wait to the answer: ${figures(walls)}`);
    return { name: 'plan', requests, walls, lines: [['plan, one table, loopback', figures(walls), `${requests} requests one after the other, POST /v1/plans?wait to the answer that there is a plan`, 'p95 <= 150 ms to the commit of plan.proposed']] };
  });
}
/** A whole request of an empty table: profile, plan, approval, load and publish. Hand-over is the time between the end of one task and the start of the next. */
export function tasks({ requests, say }) {
  return withOrders('create table public.orders (order_id bigint primary key, note text)', async (standalone) => {
    const walls = [];
    const handOvers = [];
    for (let nth = 0; nth < Math.min(requests, 50) + warmUp; nth += 1) {
      const began = performance.now();
      const answer = await standalone.call('POST', '/v1/requests?wait=30', { pipeline: { name: `empty_${nth}`, from, to: { connection: 'wh', dataset: `public.empty_${nth}` } }, run: 'now' });
      if (answer.state !== 'finished') throw new Error(`not green: ${JSON.stringify(answer)}`);
      if (nth < warmUp) continue;
      walls.push(performance.now() - began);
      const { tasks: [load, publish] } = await standalone.call('GET', `/v1/runs/${answer.runId}`);
      handOvers.push(Date.parse(publish.startedAt) - Date.parse(load.finishedAt));
    }
    say(`request to green: ${figures(walls)}; hand-over: ${figures(handOvers)}`);
    return { name: 'tasks', walls, handOvers, lines: [
      ['empty table, request to green', figures(walls), `${walls.length} requests: profile, plan, approval, load, publish and receipt`, ''],
      ['hand-over of a task', figures(handOvers), 'from the end of load to the start of publish, database clock', '']] };
  });
}
/** The task that does least is the trial of a file connection: a worker looks at an empty folder. Three of them, one after the other, each from the POST to its answer. */
export async function idleTasks({ requests, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'etl-bench-folder-'));
  const standalone = await startStandalone({ files: { connector: 'file', root: folder } });
  try {
    const walls = [];
    for (let nth = 0; nth < requests + warmUp; nth += 1) {
      const began = performance.now();
      for (let task = 0; task < 3; task += 1) await standalone.call('POST', '/v1/connections/files/test');
      if (nth >= warmUp) walls.push(performance.now() - began);
    }
    say(`three tasks that do nothing: ${figures(walls)}`);
    return { name: 'idleTasks', walls, lines: [['three tasks that do nothing', figures(walls), `${requests} times three trials of an empty folder, one after the other, REST to REST`, 'p50 <= 25 ms']] };
  } finally { await standalone.stop(); rmSync(folder, { recursive: true, force: true }); }
}
