import { setTimeout as delay } from 'node:timers/promises';
import { EtlError, type RunId, endpoints } from '@agent-etl/contracts';
import { readPipelineFile } from '@agent-etl/planning';
import { identifier, sqlFor } from '@agent-etl/sql-safety';
import type pg from 'pg';
import { followRun } from '../commands/follow-run.ts';
import { submit } from '../commands/submit.ts';
import { grouped } from '../screens/numbers.ts';
import { type DemoCheck, checkEqual, receiptChecks } from './demo-checks.ts';
import type { Stage } from './demo-stage.ts';
import { runIn, warehouseDigest, withDatabase } from './demo-database.ts';
import { flights } from './demo-numbers.ts';
import { demoPipelines } from './demo-project.ts';
import { type Act, dagPath } from './demo-run.ts';
import { actLine, demoPlanLines, demoRunLines } from './demo-screens.ts';

const sql = sqlFor('postgres');
const oldRows = 1000;

/** What the warehouse itself knows: committed chunks and their rows, rows that really lie in staging, the fence, and what readers of the table see. */
interface Seen { readonly chunks: number; readonly rows: number; readonly staged: number; readonly fence: number; readonly readers: number }
async function stagedRows(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ name: string }>(`select tablename as name from pg_tables where schemaname = '_etl' and tablename like 's\\_%'`);
  const counts = await Promise.all(rows.map(({ name }) => runIn(client, sql`SELECT count(*) AS n FROM ${identifier('_etl', name)}`)));
  return counts.reduce((sum, { rows: [row] }) => sum + Number((row as { n: string } | undefined)?.n ?? 0), 0);
}
async function look(client: pg.Client, runId: string): Promise<Seen> {
  const { rows } = await client.query<{ chunks: string; rows: string; fence: string; readers: string }>(
    `select (select count(*) from _etl.ledger where run_id = $1 and chunk_key <> 'publish') as chunks, (select coalesce(sum(rows), 0) from _etl.ledger where run_id = $1 and chunk_key <> 'publish') as rows,
      (select coalesce(max(value), 0) from _etl.fence) as fence, (select count(*) from mart.flights) as readers`, [runId]);
  const { chunks = '0', rows: written = '0', fence = '0', readers = '0' } = rows[0] ?? {};
  return { chunks: Number(chunks), rows: Number(written), staged: await stagedRows(client), fence: Number(fence), readers: Number(readers) };
}
const committed = async (client: pg.Client, runId: string): Promise<number> => {
  const { rows } = await client.query<{ n: string }>(`select count(*) as n from _etl.ledger where run_id = $1 and chunk_key <> 'publish'`, [runId]).catch(() => ({ rows: [] }));
  return Number(rows[0]?.n ?? 0);
};
/** Workers are named host-pid-digits. */
const pidOf = (worker: string): number => Number(/-(\d+)-[0-9a-f]+$/.exec(worker)?.[1]);

/** Waits until half of the copy is committed and a chunk is on its way, then kills the worker by its process id. */
async function killInMidCopy({ session }: Stage, client: pg.Client, { runId, chunks }: { runId: RunId; chunks: number }): Promise<{ pid: number; before: number }> {
  const api = await session.client();
  let worker: string | null = null;
  for (const until = Date.now() + 60_000; Date.now() < until; await delay(5)) {
    worker ??= (await api.call(endpoints.getRun, { params: { runId } })).tasks.find(({ kind }) => kind === 'load')?.worker ?? null;
    const done = await committed(client, runId);
    if (done >= chunks - 1) break;
    if (worker === null || done < Math.floor(chunks / 2)) continue;
    const pid = pidOf(worker);
    process.kill(pid, 'SIGKILL');
    return { pid, before: done };
  }
  throw new EtlError('run.cancelled', { reason: 'the kill hit no chunk: the copy was over before' });
}
async function startReplace(stage: Stage): Promise<{ plan: Act['plan']; runId: RunId }> {
  const { session } = stage;
  const client = await session.client();
  const { plan, view } = await submit(session, { pipeline: readPipelineFile(demoPipelines.flights_again) }, 'plan');
  if (!plan) throw new EtlError('plan.unavailable', { reason: `the request is ${view.state}` });
  session.output.show(demoPlanLines(plan, session.output.paint));
  // Replacing a table needs a person: whoever types --kill said yes.
  if (plan.status === 'proposed') await client.call(endpoints.approvePlan, { params: { planId: plan.planId } });
  const { runId } = await client.call(endpoints.runPlan, { params: { planId: plan.planId } });
  return { plan, runId };
}
/** Act (a) again, onto a table that readers use, with a SIGKILL in its middle. */
export async function killAct(stage: Stage): Promise<{ acts: Act[]; checks: DemoCheck[] }> {
  const { session, databases } = stage;
  const { output } = session;
  output.show(actLine(output.paint, { number: 1, of: 1, say: 'Copy the flights again while others read mart.flights, and kill the worker in the middle.' }));
  return withDatabase(databases.adminUrl, 'warehouse', async (client) => {
    await client.query('set role demo');
    await client.query('create schema mart');
    await client.query(`create table mart.flights as select n::bigint as flight_id, timestamp '2000-01-01' as departed_at, 0 as delay_min, 0 as distance_mi,
      'OLD'::text as origin, 'OLD'::text as destination, timestamptz '2000-01-01' as updated_at from generate_series(1, ${oldRows}) as n`);
    const { plan, runId } = await startReplace(stage);
    const chunks = Number(/\d+/.exec(plan.decisions.find(({ question }) => question === 'chunks')?.choice ?? '')?.[0] ?? 8);
    const { pid } = await killInMidCopy(stage, client, { runId, chunks });
    await delay(300); // the server ends the orphaned transactions
    const after = await look(client, runId);
    output.show([
      `   kill    SIGKILL to worker ${pid} in the middle of a chunk`,
      `   now     staging holds ${grouped(after.staged)} rows = ${after.chunks} whole chunks, ${after.chunks} ledger rows; of the others: 0 rows`,
      `           readers of mart.flights still see the old table, ${grouped(after.readers)} rows`]);
    const { run } = await followRun(session, runId);
    const end = await look(client, runId).catch(() => after);
    const load = run.tasks.find(({ kind }) => kind === 'load');
    const resumed = load?.result?.kind === 'load' ? load.result.resumed : 0;
    output.show([`   lease   expired; attempt ${load?.attempts ?? 0}, fence ${after.fence} -> ${end.fence}: a late write of worker ${pid} is refused`,
      `   resume  ${resumed} chunks skipped, ${chunks - resumed} copied`, ...demoRunLines(run, output.paint)]);
    const digest = run.state === 'succeeded' ? await warehouseDigest(databases) : 'old table';
    const checks = [...receiptChecks('flights_again', run, flights), checkEqual('the kill was in mid-copy', true, after.chunks > 0 && after.chunks < chunks), checkEqual('rows in staging after the kill', after.rows, after.staged), checkEqual('readers during the copy', oldRows, after.readers),
      checkEqual('chunks that were not copied again', after.chunks, resumed), checkEqual('attempts of the load', 2, load?.attempts), checkEqual('mart.flights: digest of the published file', flights.digest, digest)];
    output.show(peerLines);
    return { acts: [{ pipeline: 'flights_again', plan, run, dag: await dagPath(session, plan) }], checks };
  });
}
const peerLines = [
  '', ' same kill, 200,000 rows, recorded    visible after   after re-run', '   this                               old table       exact',
  '   psql pipe                          old rows        exact, all again', '   ingestr 0.15.9   append            +50,000         50,000 twice, exit 0',
  '   dlt 1.31.0       replace           half table      100,000 twice, exit 0 (2 of 3 tries)'];
