import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, DeadLetterView, type LiveRunView, metricNames } from '@agent-etl/contracts';
import { sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { type TestService, aService, testTokens } from '@agent-etl/service-kit/testing';
import { v7 } from 'uuid';
import { type MonitorConfig, monitorService } from './monitor.module.ts';
import { until } from './testing/live-listener.ts';
import { RunStory } from './testing/run-story.ts';

const otherTenant = '00000000-0000-7000-8000-0000000000ff';

describePostgres('monitor_projections', () => {
  let monitor: TestService<'monitor', MonitorConfig>;
  const get = async (path: string): Promise<Response> => fetch(monitor.url + path, { headers: { authorization: `Bearer ${testTokens.viewer}` } });
  const viewOf = async (runId: string): Promise<LiveRunView> => await (await get(`/v1/views/runs/${runId}`)).json() as LiveRunView;
  const metrics = async (): Promise<string> => (await fetch(`${monitor.url}/metrics`, { headers: { authorization: `Bearer ${testTokens.viewer}` } })).text();
  const counted = async (name: string): Promise<number> => Number(new RegExp(`^${name}(?:{[^}]*state="cancelled"[^}]*})? (\\S+)`, 'm').exec(await metrics())?.[1] ?? 0);
  const seqOf = (tenantId: string): Promise<{ events: number; latest: number }> => monitor.state.inTenantTx(tenantId, async (tx) =>
    (await tx.run<{ events: number; latest: number }>(sql`select count(*)::int as events, coalesce(max(seq), 0)::int as latest from feed_event`))[0] ?? { events: 0, latest: 0 });
  const ended = async (story: RunStory): Promise<void> => until(async () => {
    const view = (await get(`/v1/views/runs/${story.runId}`)).ok ? await viewOf(story.runId) : null;
    return view?.state === 'cancelled' && view.tasks[0]?.state === 'cancelled' && view.tasks[0].progress?.rows === 400;
  });

  beforeAll(async () => { monitor = await aService(monitorService(), { suite: 'monitor_projections' }); });
  afterAll(async () => { await monitor.stop(); });

  it('makes one view of events in any order, each told twice, and counts the run once', async () => {
    const before = await counted('etl_runs_total');
    const straight = new RunStory();
    const mixed = new RunStory();
    await monitor.bus.publish(straight.whole());
    const [first, second, third, fourth, fifth, last] = mixed.whole();
    await monitor.bus.publish([last, fourth, fifth, second, first, third, last, fifth, first, second].filter((message) => message !== undefined));
    await Promise.all([ended(straight), ended(mixed)]);
    const same = ({ tasks, state, pipeline, startedAt, finishedAt }: LiveRunView): unknown => ({ tasks, state, pipeline, startedAt, finishedAt });
    expect(same(await viewOf(mixed.runId))).toEqual(same(await viewOf(straight.runId)));
    expect(await counted('etl_runs_total')).toBe(before + 2);
  });
  it('numbers the feed without a gap', async () => {
    await monitor.bus.publish(new RunStory().whole());
    await until(async () => (await seqOf(DEFAULT_TENANT.id)).latest % 6 === 0);
    const { events, latest } = await seqOf(DEFAULT_TENANT.id);
    expect(latest).toBe(events);
  });
  it('keeps two tenants apart', async () => {
    const theirs = new RunStory('secret_orders', otherTenant);
    await monitor.bus.publish(theirs.whole());
    await until(async () => (await seqOf(otherTenant)).events === 6);
    expect((await get(`/v1/views/runs/${theirs.runId}`)).status).toBe(404);
    expect(JSON.stringify(await (await get('/v1/views/runs')).json())).not.toContain('secret_orders');
  });
  it('shows a dead letter of any service with its original bytes, once', async () => {
    const id = v7();
    const value = Buffer.from([0xff, 0x00, 0x7b]);
    const failure = JSON.stringify({ code: 'request.invalid', text: 'Not JSON.', next: null, traceId: null });
    const letter = { topic: 'etl.dlq.orchestrator', key: 'k', value, headers: { etl_tenant: DEFAULT_TENANT.id, dlq_id: id, dlq_source: 'etl.pipeline.requests/3/42', dlq_failure: failure, dlq_at: '2026-11-24T10:00:00.000Z', dlq_tries: '5' } };
    await monitor.bus.publish([letter, letter]);
    await until(async () => (await get(`/v1/dlq/${id}`)).ok);
    const shown = await (await get(`/v1/dlq/${id}`)).json() as { valueBase64: string };
    expect(Buffer.from(shown.valueBase64, 'base64')).toEqual(value);
    const { items } = await (await get('/v1/dlq')).json() as { items: unknown[] };
    expect(items.map((item) => DeadLetterView.parse(item)).map((item) => [item.id, item.app, item.topic, item.partition, item.offset, item.tries])).toEqual([[id, 'orchestrator', 'etl.pipeline.requests', 3, '42', 5]]);
  });
  it('shows a letter whose failure a newer release wrote, and goes on after one that no table takes', async () => {
    const [newer, unread, plain] = [v7(), v7(), v7()];
    const mirror = (dlqId: string, failure: string) => ({ topic: 'etl.dlq.orchestrator', key: 'k', value: Buffer.from('x'), headers: { etl_tenant: DEFAULT_TENANT.id, dlq_id: dlqId, dlq_source: 'etl.pipeline.requests/0/1', dlq_failure: failure, dlq_at: '2026-11-24T10:00:00.000Z', dlq_tries: '1' } });
    const failure = (code: string, text: string): string => JSON.stringify({ code, text, next: null, traceId: null });
    await monitor.bus.publish([mirror('no uuid', failure('request.invalid', 'x.'))]);
    await monitor.bus.publish([mirror(newer, failure('of.tomorrow', 'The moon is full.')), mirror(unread, '{"code":'), mirror(plain, failure('request.invalid', 'x.'))]);
    const shown = await Promise.all([newer, unread, plain].map(async (id) => (await (await get(`/v1/dlq/${id}`)).json() as DeadLetterView).failure));
    expect(shown.map(({ code, text }) => [code, text])).toEqual([
      ['platform.internal', 'The moon is full.'], ['message.unsupported', 'The failure of this letter is newer than this release; it waits.'], ['request.invalid', 'x.']]);
  });
  it('emits every documented metric of its own and of the platform', async () => {
    const text = await metrics();
    const others = ['etl_queue_depth', 'etl_task_wait_seconds', 'etl_consumer_lag']; // the workers' own, and one that only a broker has
    expect(metricNames.filter((name) => !new RegExp(`^# TYPE ${name} `, 'm').test(text))).toEqual(others);
  });
  it('shows counters as counters and the seconds of runs as one histogram', async () => {
    const seconds = async () => [...(await metrics()).matchAll(/^etl_run_seconds_(?:bucket{le="(\S+)"}|(sum|count)) (\d+)$/gm)].map(([, le, other, value]) => [le ?? other, Number(value)] as const);
    const before = new Map(await seconds());
    await monitor.bus.publish(new RunStory().whole()); // takes 21 s
    await until(async () => await counted('etl_run_seconds_count') > (before.get('count') ?? 0));
    expect((await seconds()).map(([name, value]) => [name, value - (before.get(name) ?? 0)])).toEqual([
      ['1', 0], ['5', 0], ['15', 0], ['60', 1], ['300', 1], ['900', 1], ['3600', 1], ['14400', 1], ['+Inf', 1], ['sum', 21], ['count', 1]]);
    const kinds = new Map([...(await metrics()).matchAll(/^# TYPE (etl_\S+) (\S+)$/gm)].map(([, name, kind]) => [name!, kind!]));
    expect([...kinds].filter(([name, kind]) => name.endsWith('_total') !== (kind === 'counter') || /_(bucket|sum|count)$/.test(name))).toEqual([]);
    expect([kinds.get('etl_runs_total'), kinds.get('etl_run_seconds')]).toEqual(['counter', 'histogram']);
  });
  it('counts a lost lease once, also when its event comes again after the inbox has forgotten it', async () => {
    const before = await counted('etl_lease_lost_total');
    const story = new RunStory();
    const lost = story.lost();
    await monitor.bus.publish([story.started(), story.taskStarted(), lost, lost]);
    await until(async () => await counted('etl_lease_lost_total') > before);
    await monitor.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`delete from inbox`));
    await monitor.bus.publish([lost, story.finished()]);
    await until(async () => (await viewOf(story.runId)).state === 'cancelled');
    expect(await counted('etl_lease_lost_total')).toBe(before + 1);
  });
});
