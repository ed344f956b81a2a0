import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type App, DEFAULT_TENANT, EtlError, type Payload, PipelineId, TenantId } from '@agent-etl/contracts';
import { type StateDatabase, platformMigrations, sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import pg from 'pg';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { InMemoryBus } from './in-memory-bus.ts';
import type { WireMessage } from './message-bus.ts';
import { wireMessage } from './message-headers.ts';
import { OutboxRelay } from './outbox-relay.ts';
import { Outbox } from './outbox.ts';
import { ParkedRetrier } from './parked-retrier.ts';

const tenantId = DEFAULT_TENANT.id;
const pipelineId = PipelineId.parse('018f0000-0000-7000-8000-000000000001');
const accepted = (requestId: string): Payload<'pipeline.accepted.v1'> => ({ requestId, pipelineId, pipeline: 'orders' as Payload<'pipeline.accepted.v1'>['pipeline'], owner: null });
const request = (requestId: string, key = requestId): WireMessage =>
  ({ topic: 'etl.pipeline.requests', key, headers: {}, value: Buffer.from(JSON.stringify({ requestId })), partition: 0, offset: String(Math.floor(Math.random() * 1e9)) });
async function until(check: () => Promise<boolean> | boolean, ms = 20_000): Promise<void> {
  for (const end = Date.now() + ms; !(await check()); await sleep(20)) if (Date.now() > end) throw new Error('not within the time');
}

describePostgres('messaging on PostgreSQL', () => {
  let database: TestState;
  let state: StateDatabase;
  let bus: InMemoryBus;
  let outbox: Outbox<App>;
  const sent: WireMessage[] = [];
  const count = async (table: 'outbox' | 'inbox' | 'parked' | 'dead_letter'): Promise<number> => {
    const tables = { outbox: sql`select count(*)::int as n from outbox`, inbox: sql`select count(*)::int as n from inbox`, parked: sql`select count(*)::int as n from parked`, dead_letter: sql`select count(*)::int as n from dead_letter` };
    return state.inTenantTx(tenantId, async (tx) => (await tx.run<{ n: number }>(tables[table]))[0]?.n ?? -1);
  };
  const delivery = (dispatch: DeliveryOptions['dispatch'], hooks: Pick<DeliveryOptions, 'onGivenUp' | 'onDeadLetter'> = {}): Delivery<App> =>
    new Delivery<App>('orchestrator', state, outbox, { reads: new Set(['pipeline.requested.v1']), dispatch, ...hooks });
  /** Tries what is parked until nothing is, without the pauses. */
  const retryAll = (one: Delivery<App>): Promise<void> => until(async () => {
    const rows = await state.inTenantTx(tenantId, (tx) => tx.run<{ seq: string }>(sql`select seq from parked`));
    for (const { seq } of rows) await one.retry(tenantId, seq);
    return rows.length === 0;
  });
  const letterOf = async (key: string): Promise<{ id: string; failure: { code: string } } | undefined> =>
    state.inTenantTx(tenantId, async (tx) => (await tx.run<{ id: string; failure: { code: string } }>(sql`select id, failure from dead_letter where key = ${key}`))[0]);
  beforeAll(async () => {
    database = await aStateDatabase('messaging', [{ schema: 'orchestrator', migrations: platformMigrations() }]);
    state = await database.open('orchestrator');
    bus = new InMemoryBus();
    outbox = new Outbox<App>('orchestrator', bus);
    await bus.subscribe('probe', ['etl.pipeline.events', 'etl.dlq.orchestrator'], async (message) => { sent.push(message); });
  });
  afterAll(async () => { await bus.close(); await database.drop(); });

  it('refuses a message whose key the transaction does not hold', async () => {
    await expect(state.inTenantTx(tenantId, (tx) => outbox.add(tx, 'pipeline.accepted.v1', accepted('free')))).rejects.toMatchObject({ code: 'platform.internal' });
    expect(await count('outbox')).toBe(0);
  });
  it('sends what was committed, once per saying, and nothing of a transaction that rolled back', async () => {
    const relay = new OutboxRelay(state, bus, outbox);
    const say = (requestId: string, fails = 'no') => state.inTenantTx(tenantId, async (tx) => {
      tx.hold(pipelineId);
      await outbox.add(tx, 'pipeline.accepted.v1', accepted(requestId));
      if (fails === 'yes') throw new Error('undone');
    });
    await say('one');
    await say('one');
    await expect(say('two', 'yes')).rejects.toThrow('undone');
    await say('three');
    await until(() => sent.length >= 2);
    await relay.close();
    expect(sent.map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as { requestId: string }).requestId)).toEqual(['one', 'three']);
    expect(sent[0]?.headers).toMatchObject({ ce_specversion: '1.0', ce_type: 'pipeline.accepted.v1', ce_source: '/agent-etl/orchestrator', etl_tenant: tenantId });
  });
  it('sends in the next process what the last one left behind', async () => {
    await state.inTenantTx(tenantId, async (tx) => { tx.hold(pipelineId); await outbox.add(tx, 'pipeline.accepted.v1', accepted('left behind')); });
    const relay = new OutboxRelay(state, bus, new Outbox<App>('orchestrator', bus));
    await until(() => sent.some(({ value }) => Buffer.from(value).toString().includes('left behind')));
    expect(await relay.oldestSeconds()).toBeLessThan(30);
    await relay.close();
  });
  it('lets a message have its effect once, however often and at once it comes', async () => {
    let effects = 0;
    const one = delivery(async (_type, _payload, tx) => { await tx.run(sql`select pg_sleep(0.05)`); effects += 1; });
    const message = request('repeated');
    await Promise.all(Array.from({ length: 8 }, () => one.deliver(message)));
    expect(effects).toBe(1);
  });
  it('parks a failing key, lets others pass, and keeps the order of the key', async () => {
    const seen: string[] = [];
    let failures = 0;
    const one = delivery(async (_type, payload) => {
      const { requestId } = payload as { requestId: string };
      if (requestId === 'a1' && failures < 2) { failures += 1; throw new EtlError('connection.unreachable', { connection: 'x', address: 'y' }); }
      seen.push(requestId);
    });
    await one.deliver(request('a1', 'a'));
    await one.deliver(request('a2', 'a'));
    await one.deliver(request('b1', 'b'));
    expect(seen).toEqual(['b1']);
    const retrier = new ParkedRetrier('orchestrator', state, one);
    await until(async () => (await count('parked')) === 0);
    await retrier.close();
    expect([failures, seen]).toEqual([2, ['b1', 'a1', 'a2']]);
  });
  it('lets messages without a key pass a failing one that has none either', async () => {
    const seen: string[] = [];
    const one = delivery(async (_type, payload) => {
      const { requestId } = payload as { requestId: string };
      if (requestId.startsWith('stuck') && !seen.includes('late')) throw new EtlError('plan.unavailable', { reason: 'test' });
      seen.push(requestId);
    });
    await one.deliver(request('stuck-1', ''));
    await one.deliver(request('stuck-2', ''));
    await one.deliver(request('late', ''));
    expect([seen, await count('parked')]).toEqual([['late'], 2]);
    const retrier = new ParkedRetrier('orchestrator', state, one);
    await until(async () => (await count('parked')) === 0);
    await retrier.close();
    expect(seen.toSorted()).toEqual(['late', 'stuck-1', 'stuck-2']);
  });
  it('gives a message up after five tries, with its bytes here and on the dead letter topic', async () => {
    let tries = 0;
    const one = delivery(async () => { tries += 1; throw new EtlError('plan.unavailable', { reason: 'test' }); });
    const message = { ...request('hopeless'), value: Buffer.from('{"requestId":"hopeless","run":"now"}') };
    await one.deliver(message);
    await retryAll(one);
    const relay = new OutboxRelay(state, bus, outbox);
    await until(() => sent.some(({ topic }) => topic === 'etl.dlq.orchestrator'));
    await relay.close();
    const mirror = sent.find(({ topic }) => topic === 'etl.dlq.orchestrator');
    expect([tries, Buffer.from(mirror?.value ?? []).toString(), mirror?.headers['dlq_tries']]).toEqual([5, '{"requestId":"hopeless","run":"now"}', '5']);
    expect(JSON.parse(mirror?.headers['dlq_failure'] ?? '{}')).toMatchObject({ code: 'plan.unavailable' });
  });
  it('ends what waits for a message in the transaction of its letter, then tells of the letter', async () => {
    const told: unknown[] = [];
    const one = delivery(async () => { throw new Error('always'); }, {
      onGivenUp: async ({ id, json, tries }, tx) => {
        const [row] = await tx.run<{ n: number }>(sql`select count(*)::int as n from dead_letter where id = ${id}::uuid`);
        told.push(['ends', id, json, tries, row?.n]);
      },
      onDeadLetter: ({ id }, { error, notEnded }) => { told.push(['told', id, String(error), notEnded]); },
    });
    await one.deliver(request('awaited'));
    await retryAll(one);
    const id = (await letterOf('awaited'))?.id;
    expect(told).toEqual([['ends', id, { requestId: 'awaited' }, 5, 1], ['told', id, 'Error: always', undefined]]);
  });
  it('keeps the letter when what waits for it cannot be ended, and says that it could not', async () => {
    const told: unknown[] = [];
    let ends = 0;
    const one = delivery(async () => { throw new Error('always'); }, {
      onGivenUp: async (_letter, tx) => { ends += 1; await tx.run(sql`select 1 / 0`); }, onDeadLetter: ({ failure }, { notEnded }) => { told.push([failure.code, String(notEnded)]); },
    });
    await one.deliver(request('not ended'));
    await retryAll(one);
    expect([ends, told, (await letterOf('not ended'))?.failure.code]).toEqual([2, [['platform.internal', expect.stringContaining('division by zero')]], 'platform.internal']);
  });
  it('gives up what another release parked and this one cannot read, instead of dropping it', async () => {
    const one = delivery(async () => { throw new Error('always'); });
    await one.deliver(request('newer'));
    await state.inTenantTx(tenantId, (tx) => tx.run(sql`update parked set value = ${Buffer.from('{"requestId":"newer","shedule":1}')} where key = 'newer'`));
    await retryAll(one);
    expect((await letterOf('newer'))?.failure.code).toBe('message.malformed');
  });
  it('tries a message at once that came to queue behind another just when that one left', async () => {
    const seen: string[] = [];
    let isStuck = true;
    const one = delivery(async (_type, payload) => {
      if (isStuck) throw new Error('not yet');
      seen.push((payload as { requestId: string }).requestId);
    });
    const second = request('second', 'queue');
    await one.deliver(request('first', 'queue'));
    isStuck = false;
    let queued: Promise<void> = Promise.resolve();
    let retrier: ParkedRetrier | undefined;
    await expect(state.inTenantTx(tenantId, async (tx) => {
      await one.parking.park(tx, { ...second, key: 'in its place' }, { tries: 0, failure: null, pauseMs: 0 }); // the second saw the first one parked and waits for this place
      queued = one.deliver(second);
      await sleep(100);
      retrier = new ParkedRetrier('orchestrator', state, one);
      await until(() => seen.includes('first'));
      await sleep(300); // the retrier has looked again and sleeps until its sweep
      throw new Error('undone');
    })).rejects.toThrow('undone');
    const at = performance.now();
    await queued;
    await until(() => seen.length === 2);
    expect([seen, performance.now() - at < 2_000]).toEqual([['first', 'second'], true]);
    await retrier?.close();
  });
  it.each([
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), {}, 'message.malformed'],
    ['text that is no JSON', Buffer.from('run this please'), {}, 'message.malformed'],
    ['JSON that is no request', Buffer.from('{"requestId":"bad","shedule":1}'), {}, 'message.malformed'],
    ['more than a request may hold', Buffer.alloc(1024 * 1024 + 1, 0x20), {}, 'message.malformed'],
    ['a version of tomorrow', Buffer.from('{}'), { ce_id: 'x', ce_type: 'pipeline.requested.v9' }, 'message.unsupported'],
    ['a message of another topic', Buffer.from('{}'), { ce_id: 'x', ce_type: 'run.started.v1', etl_tenant: tenantId }, 'message.malformed'],
    ['a tenant that is none', Buffer.from('{}'), { ce_id: 'x', ce_type: 'pipeline.requested.v1', etl_tenant: 'acme' }, 'message.tenant-mismatch'],
  ])('gives up %s at once and says why', async (_what, value, headers, code) => {
    const told: string[] = [];
    const before = await count('dead_letter');
    const one = delivery(async () => { throw new Error('must not be called'); }, { onGivenUp: async ({ failure }) => { told.push(failure.code); } });
    await one.deliver({ ...request('garbage'), value, headers });
    expect([told, await count('dead_letter')]).toEqual([[code], before + 1]);
  });
  it('keeps a letter whose key, headers and names no database takes, instead of blocking its partition', async () => {
    const before = await count('dead_letter');
    const one = delivery(async () => { throw new Error('must not be called'); });
    await one.deliver({ ...request('nul'), key: 'a\0b\ud800', headers: { 'x\0': 'y\0' }, value: Buffer.from('{"requestId":"r","a\\u0000b":1}') });
    expect(await count('dead_letter')).toBe(before + 1);
  });
  it('keeps the letter when its sender cannot be answered', async () => {
    const before = await count('dead_letter');
    const one = delivery(async () => undefined, { onGivenUp: async () => { throw new EtlError('request.invalid', { pointer: '/requestId', problem: 'unreadable' }); } });
    await one.deliver({ ...request('x'), value: Buffer.from('{') });
    expect(await count('dead_letter')).toBe(before + 1);
  });
  it('files what cannot be read under the tenant that it names', async () => {
    const other = TenantId.parse('018f0000-0000-7000-8000-00000000000c');
    const one = delivery(async () => undefined);
    await one.deliver({ ...request('x'), value: Buffer.from('{'), headers: { ce_id: 'i', ce_type: 'pipeline.requested.v1', etl_tenant: other } });
    expect(await state.inTenantTx(other, async (tx) => (await tx.run<{ n: number }>(sql`select count(*)::int as n from dead_letter`))[0]?.n)).toBe(1);
  });
  it('mirrors what no broker would take without its bytes, and sends what is behind it', async () => {
    const one = delivery(async () => undefined);
    await one.deliver({ ...request('huge', 'huge'), value: Buffer.alloc(2 ** 20 + 1, 0x20) });
    const relay = new OutboxRelay(state, bus, outbox);
    await until(() => sent.some(({ key }) => key === 'huge'));
    await relay.close();
    const mirror = sent.find(({ key }) => key === 'huge');
    expect([mirror?.value.byteLength, mirror?.headers['dlq_omitted_bytes']]).toEqual([0, String(2 ** 20 + 1)]);
  });
  it('sends more than one batch may hold, in order', async () => {
    const wide = Array.from({ length: 9 }, (_, index) => `wide-${index}-${'x'.repeat(100)}`);
    await state.inTenantTx(tenantId, async (tx) => {
      for (const [index, requestId] of wide.entries()) {
        await outbox.addWire(tx, `018f0000-0000-7000-9000-00000000000${index}`, { topic: 'etl.pipeline.events', key: 'wide', headers: { requestId }, value: Buffer.alloc(200_000, 0x20) });
      }
    });
    const sizes: number[] = [];
    const measured = { publish: async (messages: readonly WireMessage[]) => { sizes.push(messages.reduce((sum, { value }) => sum + value.byteLength, 0)); await bus.publish(messages); } };
    const relay = new OutboxRelay(state, Object.assign(Object.create(bus) as InMemoryBus, measured), outbox);
    await until(() => sent.filter(({ key }) => key === 'wide').length >= wide.length);
    await relay.close();
    expect(sent.filter(({ key }) => key === 'wide').map(({ headers }) => headers['requestId'])).toEqual(wide);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
  });
  it('sends a row whose notification was lost, by its sweep', async () => {
    const relay = new OutboxRelay(state, bus, outbox);
    await sleep(300); // it has looked, found nothing and waits
    const [id, value] = ['018f0000-0000-7000-9000-0000000000aa', Buffer.from('unheard')];
    await state.inTenantTx(tenantId, (tx) => tx.run(sql`insert into outbox (tenant_id, topic, key, ce_id, headers, body) values (${tx.tenantId}, 'etl.pipeline.events', 'unheard', ${id}, '{}'::jsonb, ${value})`));
    await until(() => sent.some(({ key }) => key === 'unheard'), 7_000);
    await relay.close();
  });
  it('tries a parked message that another process left, by its sweep', async () => {
    const seen: string[] = [];
    const one = delivery(async (_type, payload) => { seen.push((payload as { requestId: string }).requestId); });
    const retrier = new ParkedRetrier('orchestrator', state, one);
    await sleep(300);
    await state.inTenantTx(tenantId, (tx) => one.parking.park(tx, request('left by another'), { tries: 1, failure: null, pauseMs: 0 }));
    await until(() => seen.includes('left by another'), 7_000);
    await retrier.close();
  });
  it('drops what was sent and seen long ago, a part at a time, and goes on sending meanwhile', async () => {
    const admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    await admin.query(`insert into orchestrator.outbox (tenant_id, topic, key, ce_id, headers, body, created_at, sent_at)
      select $1, 'etl.pipeline.events', 'old', gen_random_uuid(), '{}', '', now() - interval '2 days', now() - interval '2 days' from generate_series(1, 5000)`, [tenantId]);
    await admin.query(`insert into orchestrator.inbox (tenant_id, app, ce_id, seen_at) select $1, 'old', gen_random_uuid(), now() - interval '31 days' from generate_series(1, 5000)`, [tenantId]);
    const relay = new OutboxRelay(state, bus, outbox);
    await state.inTenantTx(tenantId, async (tx) => { tx.hold(pipelineId); await outbox.add(tx, 'pipeline.accepted.v1', accepted('meanwhile')); });
    await until(() => sent.some(({ value }) => Buffer.from(value).toString().includes('meanwhile')));
    const left = async (): Promise<number> => (await admin.query<{ n: number }>(`select (select count(*) from orchestrator.outbox where key = 'old')::int + (select count(*) from orchestrator.inbox where app = 'old')::int as n`)).rows[0]?.n ?? -1;
    await until(async () => (await left()) === 0, 4_000);
    await relay.close();
    await admin.end();
  });
  it('keeps the tenants of messages apart', async () => {
    const other = TenantId.parse('018f0000-0000-7000-8000-00000000000b');
    const tenants: string[] = [];
    const one = delivery(async (_type, _payload, tx) => { tenants.push(tx.tenantId); });
    const { id: _id, ...foreign } = { ...wireMessage({ app: 'orchestrator', tenantId: other, type: 'pipeline.requested.v1', payload: { requestId: 'theirs' }, at: '2026-11-24T10:00:00.000Z' }), partition: 0, offset: '1' };
    await one.deliver(foreign);
    expect(tenants).toEqual([other]);
    expect(await state.inTenantTx(other, async (tx) => (await tx.run<{ n: number }>(sql`select count(*)::int as n from inbox`))[0]?.n)).toBe(1);
  });
});
