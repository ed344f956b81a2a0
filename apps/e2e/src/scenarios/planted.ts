import { expect, it } from '@jest/globals';
import { type Ask, unsound } from '@agent-etl/etl-worker/testing';
import pg from 'pg';
import { type Scene, toVault } from '../ground.ts';
import { caseOf, expectSound, stateDatabase } from '../soundness.ts';
import { copy, fresh } from '../steps.ts';
import { urlOf } from '../world.ts';

type Where = 'state' | 'warehouse';
/** What is planted, where, and what the oracle then says. @param id of the run */
const planted = (id: string, target: string): [string, Where, string, RegExp][] => [
  ['a receipt of other rows', 'state', `update orchestrator.run set receipt = jsonb_set(receipt, '{read}', '499') where run_id = '${id}'`, /^the signature of the receipt is not about what it says$/],
  ['no receipt', 'state', `update orchestrator.run set receipt = null where run_id = '${id}'`, /^the run is green without a receipt/],
  ['a late end', 'state', `update orchestrator.run set deadline = started_at - interval '1 hour' where run_id = '${id}'`, /^the run went on after its deadline$/],
  ['an end that counted twice', 'state', `insert into orchestrator.run_event (tenant_id, run_id, at, type, task, attempt) select tenant_id, run_id, at, type, task, attempt from orchestrator.run_event where run_id = '${id}' and type = 'task.run.succeeded.v1'`, /^task\.run\.succeeded\.v1 of load 1 had its effect 2 times$/],
  ['a task that is not over', 'state', `update orchestrator.task_run set state = 'running' where run_id = '${id}' and kind = 'publish'`, /^publish is running$/],
  ['an attempt that still runs', 'state', `update worker.task set state = 'running', worker = 'w', lease_until = now() where run_id = '${id}' and kind = 'load'`, /^load attempt 1 is running$/],
  ['a message that was not sent', 'state', `update worker.outbox set sent_at = null where key = '${id}' and headers->>'ce_type' = 'task.run.started.v1'`, /^not sent by etl-worker: task\.run\.started\.v1$/],
  ['a message that nobody took', 'state', `delete from monitor.inbox`, /^not taken by monitor: run\.finished\.v1$/],
  ['a message that waits', 'state', `insert into orchestrator.parked (tenant_id, app, topic, partition, "offset", key, headers, value) select tenant_id, 'orchestrator', 'etl.task.events', 0, '0', '${id}', '{"ce_type": "x"}', '' from orchestrator.run where run_id = '${id}'`, /^waits at orchestrator: x$/],
  ['another view', 'state', `update monitor.run_view set view = jsonb_set(view, '{state}', '"failed"') where run_id = '${id}'`, /^the view shows failed/],
  ['another end in the live feed', 'state', `update monitor.feed_event set event = jsonb_set(event, '{state}', '"cancelled"') where 'run:${id}' = any(topics) and event->>'state' = 'succeeded'`, /^the live feed shows another end than the run has$/],
  ['a piece of other rows', 'warehouse', `update _etl.ledger set rows = rows + 1 where run_id = '${id}' and chunk_key <> 'publish'`, /^the ledger has 501 rows, not 500$/],
  ['a second piece', 'warehouse', `insert into _etl.ledger select (l).* from (select jsonb_populate_record(l, '{"chunk_key": "x", "rows": 0}') as l from _etl.ledger l where run_id = '${id}' and chunk_key <> 'publish') as twin`, /^the ledger has 2 pieces, not 1$/],
  ['a changed row', 'warehouse', `update mart.${target} set at = at + interval '1 second' where id = 5`, /^lost or changed: 1 of 1 \(5,/],
  ['a lost row', 'warehouse', `delete from mart.${target} where id = 7`, /^lost or changed: 1 of 1 \(7,/],
  ['staging', 'warehouse', 'create table _etl.s_planted ()', /^staging s_planted$/],
];

/** The oracle of these scenarios is shown faults, each in a transaction that is rolled back. */
export function plantedFaults({ world, ground }: Scene): void {
  it('is judged by an oracle that sees each planted fault', async () => {
    const target = fresh('letter');
    const { runId } = await copy(world(), toVault(target, 'letter'));
    await expectSound(world(), ground(), { runId, wrote: { target, from: 'letter' } });
    const sound = await caseOf(world(), ground(), { runId, wrote: { target, from: 'letter' } });
    for (const [what, where, plant, said] of planted(runId, target)) {
      const client = new pg.Client({ connectionString: where === 'state' ? urlOf(world().postgresUrl, stateDatabase) : urlOf(ground().target.postgresUrl, 'warehouse') });
      await client.connect();
      const ask: Ask = async <T extends object>(text: string, values: readonly unknown[] = []) => (await client.query<T>(text, [...values])).rows;
      try {
        await client.query(`begin; ${plant}`);
        const seen = await unsound(where === 'state' ? { ...sound, state: ask } : { ...sound, ledger: { ask, of: 'table' }, ends: sound.ends && { ...sound.ends, target: { ...sound.ends.target, ask } }, places: { databases: [ask], sessions: 'must be gone' } }, 0);
        expect([what, seen]).toEqual([what, expect.arrayContaining([expect.stringMatching(said)])]);
      } finally { await client.end(); }
    }
  });
}
