// State in a PostgreSQL of its own, as a deployment has it: four schemas, many rows, from one database into an empty one.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../install.mjs';
import { startPostgres } from '../../provision/postgres.mjs';
import { databaseUrl, withClient } from '../../provision/standalone.mjs';
import { runBlock } from '../runbook.mjs';
import { interrupted } from './interrupted.mjs';

const page = 'upgrade-and-restore.md';
const tenants = ['00000000-0000-7000-8000-000000000001', '018f0000-0000-7000-8000-0000000000b2'];
const target = 1024;
const apps = ['orchestrator', 'etl-worker', 'dag-generator', 'monitor'];

function migrate(url) {
  for (const app of apps) {
    const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(root, 'dist', 'apps', app, 'main.js'), 'migrate'], { encoding: 'utf8', env: { PATH: process.env.PATH, ETL_PERSISTENCE_ADMIN_URL: url } });
    if (status !== 0) throw new Error(`${app} migrate: ${stdout}${stderr}`);
  }
}
/** Histories of runs of two tenants, about this many MiB as text: what a deployment keeps most of. */
async function fill(url, mib) {
  await withClient(url, async (client) => {
    await client.query('set session_replication_role = replica'); // rows refer to runs that nobody needs here
    const note = `concat(${Array.from({ length: 32 }, (_, i) => `md5('${i}' || n)`).join(', ')})`; // hardly to be compressed
    const each = Math.ceil(mib * 230);
    for (const tenant of tenants) {
      await client.query(`insert into orchestrator.run_event (tenant_id, run_id, at, type, task, attempt, worker, text) select '${tenant}', gen_random_uuid(), now(), 'task.run.succeeded.v1', 'load', 1, 'w', ${note} from generate_series(1, ${each}) n`);
      await client.query(`insert into monitor.feed_event (tenant_id, seq, topics, event, at) select '${tenant}', n, array['run:x'], jsonb_build_object('text', ${note}, 'n', n), now() from generate_series(1, ${each}) n`);
    }
  });
}
const bytesOf = (url) => withClient(url, async (client) => Number((await client.query("select sum(octet_length(t::text)) as n from (select e::text as t from orchestrator.run_event e union all select f::text from monitor.feed_event f) x")).rows[0].n));
/** What the server itself needs to read these rows from its own disk into the same tables with the same indexes. */
async function loadAlone(cluster, folder) {
  const url = databaseUrl(cluster, 'etl_alone');
  await withClient(cluster.url, (client) => client.query('create database etl_alone'));
  migrate(url);
  const tables = ['orchestrator.run', 'orchestrator.run_event', 'monitor.feed_event'];
  await withClient(databaseUrl(cluster, 'etl_from'), async (client) => { for (const table of tables) await client.query(`copy ${table} to '${join(folder, table)}'`); });
  return withClient(url, async (client) => {
    await client.query('set session_replication_role = replica');
    const began = performance.now();
    await client.query('begin');
    for (const table of tables) await client.query(`copy ${table} from '${join(folder, table)}'`);
    await client.query('commit');
    return (performance.now() - began) / 1000;
  });
}

/** @param mib text of the rows */
export async function external({ bin, say, must, mib }) {
  const cluster = await startPostgres({ settings: { max_wal_size: '8GB', fsync: 'on' } });
  const folder = mkdtempSync('/var/tmp/etl-restore-');
  chmodSync(folder, 0o777);
  try {
    await withClient(cluster.url, async (client) => { for (const name of ['etl_from', 'etl_empty']) await client.query(`create database ${name}`); });
    const [from, empty] = ['etl_from', 'etl_empty'].map((name) => databaseUrl(cluster, name));
    migrate(from);
    await fill(from, mib);
    await withClient(from, (client) => client.query('delete from orchestrator.run_event where run_id is null'));
    const bytes = await bytesOf(from);
    const runs = await withClient(from, async (client) => { // the foreign key wants its runs
      await client.query(`set session_replication_role = replica`);
      await client.query(`insert into orchestrator.run (tenant_id, run_id, kind, pipeline, driver, state, deadline, started_at, finished_at) select distinct on (tenant_id, run_id) tenant_id, run_id, 'copy', 'p', 'workers', 'succeeded', now(), now(), now() from orchestrator.run_event`);
      return (await client.query('select count(*)::int as n from orchestrator.run')).rows[0].n;
    });
    const taken = JSON.parse(runBlock(page, 'backup-deployment', { bin, cwd: folder, env: { STATE_URL: from } }));
    const size = statSync(join(folder, 'deployment.backup')).size;
    const mibTaken = taken.bytes / 2 ** 20;
    say(`backup: ${mibTaken.toFixed(0)} MiB of rows (${taken.rows}), ${(size / 2 ** 20).toFixed(0)} MiB as a file, in ${taken.seconds.toFixed(1)} s`);
    await interrupted({ bin, cwd: folder, url: empty, adminUrl: from, say, must });
    const restored = JSON.parse(runBlock(page, 'restore-deployment', { bin, cwd: folder, env: { EMPTY_URL: empty } }));
    const alone = await loadAlone(cluster, folder);
    // Making the schemas takes as long for many rows as for few: only the rest grows with them.
    const schemaSeconds = restored.seconds - restored.verifySeconds - restored.loadSeconds;
    const beside = restored.verifySeconds + restored.loadSeconds - alone;
    const perGib = schemaSeconds + beside * (target / mibTaken);
    say(`restore: ${restored.seconds.toFixed(1)} s, of which checking every byte ${restored.verifySeconds.toFixed(1)} s and loading ${restored.loadSeconds.toFixed(1)} s; the server alone needs ${alone.toFixed(1)} s to load the ${(bytes / 2 ** 20).toFixed(0)} MiB of the three large tables from its own disk`);
    must(perGib <= 60, `beside the server's own load time: ${schemaSeconds.toFixed(1)} s for the schemas and ${beside.toFixed(1)} s for ${mibTaken.toFixed(0)} MiB; so ${perGib.toFixed(1)} s for one GiB, scaled (60 allowed)`);
    const counts = await Promise.all([from, empty].map((url) => withClient(url, async (client) => JSON.stringify((await client.query('select tenant_id, count(*), sum(hashtextextended(e::text, 0)::numeric) from orchestrator.run_event e group by 1 order by 1')).rows))));
    must(counts[0] === counts[1], `rows of both tenants are equal (${runs} runs)`);
    const seen = await withClient(Object.assign(new URL(empty), { username: 'orchestrator' }).href, async (client) => {
      const none = (await client.query('select count(*)::int as n from orchestrator.run_event')).rows[0].n;
      await client.query(`begin; set local app.tenant = '${tenants[1]}'`);
      return [none, (await client.query('select count(distinct tenant_id)::int as n from orchestrator.run_event')).rows[0].n];
    });
    must(seen[0] === 0 && seen[1] === 1, 'the walls stand: a service sees no row without a tenant, and one tenant with one');
    must(/state\.not-empty/.test(runBlock(page, 'restore-deployment', { bin, cwd: folder, env: { EMPTY_URL: empty }, expect: 1 })), 'a second restore into the same database is refused');
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await cluster.stop();
  }
}
