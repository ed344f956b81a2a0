import { setTimeout as sleep } from 'node:timers/promises';
import type { ACopy } from './a-copy.ts';

/** @property rows that the pieces of the ledger add up to, null where nobody knows
 * @property compared whether target and source are compared row by row: a history has other rows than its source, and a target may have been changed since */
export interface Sound { readonly rows: number | null; readonly compared: 'row by row' | 'not' }
const WITHIN_MS = 5_000;

/** The universal oracle, as far as a worker and its target can be asked: what is not so after a fault, in words; nothing where all of it holds. Whatever needs a moment to go gets five seconds.
 * 1 data: no row lost, doubled or changed · 2 ledger: every piece filled, their sum is what was written, no older fence behind a newer · 3 state: every task of the run has ended, one success each ·
 * 4 bus: each attempt said one end, and all of it was sent · 5 hygiene: no staging, no transaction, no lock. Lineage, audit and receipts are made by the services: the whole system is asked for them. */
export async function unsound(copy: ACopy, { rows, compared }: Sound): Promise<string[]> {
  let left: string[] = [];
  for (const until = performance.now() + WITHIN_MS; ; await sleep(50)) {
    left = [...compared === 'row by row' ? await ofData(copy) : [], ...await ofLedger(copy, rows), ...await ofState(copy), ...await ofBus(copy), ...await ofHygiene(copy)];
    if (left.length === 0 || performance.now() > until) return left;
  }
}
async function ask(copy: ACopy, text: string, values: readonly unknown[] = []): Promise<string[]> {
  return (await copy.db.query<{ what: string }>(text, [...values])).rows.map(({ what }) => what);
}
const ofData = (copy: ACopy): Promise<string[]> => ask(copy, `
  (select 'lost or changed: row ' || s.id as what from ${copy.source.dataset} s where not exists (select from ${copy.target.dataset} t where t.id = s.id and t::text = s::text) limit 3)
  union all (select 'doubled: row ' || id from ${copy.target.dataset} group by id having count(*) > 1 limit 3)
  union all (select 'from nowhere: row ' || t.id from ${copy.target.dataset} t where not exists (select from ${copy.source.dataset} s where s.id = t.id) limit 3)`);
const ofLedger = (copy: ACopy, rows: number | null): Promise<string[]> => ask(copy, `with mine as (select * from _etl.ledger where run_id = $1)
  select 'the ledger has ' || coalesce(sum(rows), 0) || ' rows, not ' || $2::numeric as what from mine where chunk_key <> 'publish' having coalesce(sum(rows), 0) <> $2::numeric
  union all select 'a piece that nobody filled: ' || chunk_key from mine where rows is null
  union all select 'published ' || count(*) || ' times' from mine where chunk_key = 'publish' having count(*) <> 1
  union all select 'an older fence behind a newer: ' || late.chunk_key from mine late where exists (select from mine newer where newer.fence > late.fence and newer.written_at < late.written_at)`, [copy.runId, rows]);
const ofState = (copy: ACopy): Promise<string[]> => ask(copy, `
  select kind || ' attempt ' || attempt || ' is ' || state as what from worker.task where run_id = $1 and state in ('waiting', 'running')
  union all select kind || ' succeeded ' || count(*) || ' times' from worker.task where run_id = $1 and state = 'succeeded' group by kind, task_run_id having count(*) > 1`, [copy.runId]);
const ofBus = (copy: ACopy): Promise<string[]> => ask(copy, `with said as (select convert_from(body, 'UTF8')::json as payload, headers->>'ce_type' as type, sent_at from worker.outbox)
  select 'attempt ' || (payload->>'attempt') || ' said ' || count(*) || ' ends' as what from said where payload->>'runId' = $1 and type ~ '^task\\.run\\.(succeeded|failed|cancelled)\\.' group by payload->>'taskRunId', payload->>'attempt' having count(*) > 1
  union all select 'not sent: ' || type from said where payload->>'runId' = $1 and sent_at is null`, [copy.runId]);
/** A connection may rest; a transaction may not, and nobody holds a lock on what is ours. */
const ofHygiene = async (copy: ACopy): Promise<string[]> => [
  ...await copy.stagingTables() > 0 ? [`${await copy.stagingTables()} staging tables`] : [],
  ...await ask(copy, `select 'in a transaction: ' || left(query, 60) as what from pg_stat_activity where datname = current_database() and application_name like 'agent-etl %' and state like 'idle in transaction%'
    union all select 'locked: ' || relation::regclass from pg_locks l join pg_stat_activity a using (pid) where a.datname = current_database() and a.application_name like 'agent-etl %' and relation = to_regclass('_etl.fence') and mode = 'RowShareLock' and state <> 'active'`),
];
