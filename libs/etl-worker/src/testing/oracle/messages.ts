import { type App, apps, messageTypes, messages } from '@agent-etl/contracts';
import { type Ask, saidBy } from './ask.ts';

const schemaOf: Readonly<Record<App, string>> = { orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' };
const inAll = (some: readonly App[], select: (app: App) => string): string => some.map(select).join(' union all ');
/** Who reads what. Progress may be lost. */
const readers = JSON.stringify(messageTypes.filter((type) => type !== 'task.run.progressed.v1').flatMap((type) => messages[type].readers.map((app) => ({ type, app }))));

/** Each attempt said one end, and all of it was sent: as far as the worker's own outbox tells. */
export const ofWorkerBus = (state: Ask, runId: string): Promise<string[]> => saidBy(state, `with said as (select convert_from(body, 'UTF8')::json as payload, headers->>'ce_type' as type, sent_at from worker.outbox where key = $1)
  select 'attempt ' || (payload->>'attempt') || ' said ' || count(*) || ' ends' as what from said where type ~ '^task\\.run\\.(succeeded|failed|cancelled)\\.' group by payload->>'taskRunId', payload->>'attempt' having count(*) > 1
  union all select 'not sent: ' || type from said where sent_at is null`, [runId]);

/** Whatever was said of a run was sent, and handled by each of its readers or given up where that shows; nothing of it waits. @param keys the run and its tasks */
export const ofSystemBus = (state: Ask, keys: readonly string[]): Promise<string[]> => saidBy(state, `
  with said as (${inAll(['orchestrator', 'etl-worker'], (app) => `select '${app}' as writer, ce_id, headers->>'ce_type' as type, key, sent_at from ${schemaOf[app]}.outbox`)}),
    handled as (${inAll(apps, (app) => `select '${app}' as app, ce_id::text from ${schemaOf[app]}.inbox`)}),
    dead as (${inAll(apps, (app) => `select '${app}' as app, headers->>'ce_id' as ce_id from ${schemaOf[app]}.dead_letter`)}),
    parked as (${inAll(apps, (app) => `select '${app}' as app, headers->>'ce_type' as type, key from ${schemaOf[app]}.parked`)}),
    readers as (select * from json_to_recordset($2) as reader (type text, app text))
  select 'not sent by ' || writer || ': ' || type as what from said where key = any($1) and sent_at is null
  union all select 'not taken by ' || app || ': ' || type from said join readers using (type) where key = any($1) and not exists (select from handled where handled.app = readers.app and handled.ce_id = said.ce_id::text)
    and not exists (select from dead where dead.app = readers.app and dead.ce_id = said.ce_id::text)
  union all select 'waits at ' || app || ': ' || type from parked where key = any($1)`, [keys, readers]);
