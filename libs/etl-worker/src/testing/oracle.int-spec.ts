import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { ACopy } from './a-copy.ts';
import { workerSchema } from './a-worker.ts';
import { unsound } from './oracle.ts';
import { startWorker } from './worker-process.ts';

const ROWS = 5_000;
const NAME = 'planted';
const table = `mart.${NAME}`;
/** What is planted, and what the oracle then says. */
const planted: [string, string, RegExp][] = [
  ['a lost row', `delete from ${table} where id = 3`, /^lost or changed: 1 of 1 \(3,/], ['a changed row', `update ${table} set amount = amount + 0.0001 where id = 4`, /^from nowhere or changed: \(4,/],
  ['a row that came twice', `alter table ${table} drop constraint ${NAME}_pkey; insert into ${table} select * from ${table} where id = 5`, /^doubled: 2 for 1 \(5,/], ['a row of nobody', `insert into ${table} values (-1, now())`, /^from nowhere or changed: \(-1,/],
  ['two rows that changed their places', `update ${table} set amount = case id when 6 then 3 else 2 end where id in (6, 9)`, /^lost or changed/],
  ['a piece of other rows', `update _etl.ledger set rows = rows + 1 where chunk_key <> 'publish'`, /^the ledger has \d+ rows, not 5000$/], ['a piece that nobody filled', `update _etl.ledger set rows = null where chunk_key <> 'publish'`, /^a piece that nobody filled: /],
  ['no publish', `delete from _etl.ledger where chunk_key = 'publish'`, /^published 0 times$/], ['an older fence behind a newer', `update _etl.ledger set fence = 0 where chunk_key = 'publish'`, /^an older fence behind a newer: publish$/],
  ['an attempt that waits', `update worker.task set state = 'waiting' where kind = 'publish'`, /^publish attempt 1 is waiting$/],
  ['a second success', `insert into worker.task (tenant_id, task_run_id, attempt, run_id, kind, state, command, deadline) select tenant_id, task_run_id, 2, run_id, kind, state, command, deadline from worker.task where kind = 'load'`, /^load succeeded 2 times$/],
  ['a second end', `insert into worker.outbox (tenant_id, topic, key, ce_id, headers, body, sent_at) select tenant_id, topic, key, gen_random_uuid(), headers, body, sent_at from worker.outbox where headers->>'ce_type' = 'task.run.succeeded.v1'`, /^attempt 1 said 2 ends$/],
  ['a message that was not sent', `update worker.outbox set sent_at = null`, /^not sent: task\.run\./], ['staging', 'create table _etl.s_planted ()', /^staging s_planted$/],
];

/** The oracle is shown one fault after the other, each in a transaction that is rolled back. */
describePostgres('the oracle of a worker', () => {
  let database: TestState;
  let worker: ProgramProcess;
  let copy: ACopy;
  beforeAll(async () => {
    database = await aStateDatabase('oracle', [workerSchema]);
    worker = await startWorker({ urls: database.logins, crash: '', fileRoots: [], env: {} });
    copy = await ACopy.open(database, NAME, ROWS);
    const task = await copy.loadTask(200_000);
    await copy.publish(task, (await copy.drive(copy.command(task))).result);
  }, 60_000);
  afterAll(async () => {
    await worker?.kill();
    await copy?.close();
    await database?.drop();
  });
  const asked = (): Promise<string[]> => unsound(copy.case({ rows: ROWS, compared: 'row by row' }), 0);

  it.each(planted)('sees %s', async (_, plant, said) => {
    await copy.db.query(`begin; ${plant}`);
    try { expect(await asked()).toEqual(expect.arrayContaining([expect.stringMatching(said)])); } finally { await copy.db.query('rollback'); }
  });
  it('has nothing against it without them', async () => { expect(await unsound(copy.case({ rows: ROWS, compared: 'row by row' }))).toEqual([]); });
  it.each([['a transaction that stands still', 'begin; select 1', /^session agent-etl planted idle in transaction/], ['a lock', 'begin; lock table _etl.fence in share mode', /^lock relation ShareLock _etl\.fence$/]])('sees %s', async (_, plant, said) => {
    const other = await copy.another('agent-etl planted');
    await other.query(plant);
    try { expect(await asked()).toEqual(expect.arrayContaining([expect.stringMatching(said)])); } finally { await other.end(); }
  });
});
