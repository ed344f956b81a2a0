// The product as a user has it: a standalone, a project folder, a pipeline that runs on Airflow. It publishes its DAG into the scheduler's folder by itself.
// Its state lies in the throw-away server of the proof, so nothing of an earlier proof is left.
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseUrl, startStandalone, withClient } from '../../provision/standalone.mjs';

const rows = 200_000;
const databases = ['shop', 'warehouse', 'agent_etl'];
const table = 'create table orders (id bigint primary key, customer text not null, total numeric(12, 2), ordered_at timestamptz)';
const source = `${table}; insert into orders select g, 'customer ' || g % 997, g * 1.07, timestamptz '2026-01-01' + g * interval '7 seconds' from generate_series(1, ${rows}) g; analyze orders`;
const digest = `select count(*)::int as rows, md5(string_agg(t::text, '|' order by id)) as md5 from`;

const query = (url, text) => withClient(url, async (client) => (await client.query(text)).rows);
const pipeline = {
  name: 'orders', owner: 'proof', from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'warehouse', dataset: 'public.orders', load: 'upsert', key: ['id'] },
  schedule: { cron: '15 1 * * *', timezone: 'Europe/Lisbon' }, runOn: 'airflow',
};

/** The plan is approved by policy; its DAG follows within seconds. */
async function publishedDag(call) {
  const request = await call('POST', '/v1/requests?wait=30', { requestId: 'proof-airflow', pipeline, run: 'never' });
  if (!request.planId) throw new Error(`no plan: ${JSON.stringify(request)}`);
  for (let tries = 0; tries < 60; tries += 1) {
    try { return await call('GET', `/v1/plans/${request.planId}/dag`); } catch (error) { if (tries === 59) throw error; }
    await sleep(500);
  }
  return null;
}

/** Starts the standalone on data of its own in the given server and has a pipeline approved.
 * @returns `stop` at once, so that a failure later stops it too; `system` when the DAG is there */
export function startRealSystem({ folder, postgres, dags }) {
  let standalone;
  const stop = async () => { await standalone?.stop(); };
  const start = async () => {
    for (const name of databases) await query(postgres.url, `create database ${name}`);
    const [shop, warehouse, state] = databases.map((name) => databaseUrl(postgres, name));
    await query(shop, source);
    await query(warehouse, table); // it exists, so the same plan can run every night
    standalone = await startStandalone({ shop, warehouse }, { folder, policy: { airflow: { folder: dags } }, env: { ...process.env, ETL_PERSISTENCE_URL: state } });
    const { url, token, call } = standalone;
    const dag = await publishedDag(call);
    const verify = async () => [['every row of the source is in the target', await query(warehouse, `${digest} orders t`), await query(shop, `${digest} orders t`)]];
    return { api: url, token, dagId: dag.dagId, dag: dag.path, text: dag.text, call, verify, rows };
  };
  return { start, stop };
}
