import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { type TestService, aService, testTokens } from '@agent-etl/service-kit/testing';
import { type MonitorConfig, monitorService } from './monitor.module.ts';
import { LiveListener, until } from './testing/live-listener.ts';
import { RunStory } from './testing/run-story.ts';

const otherTenant = '00000000-0000-7000-8000-0000000000ff';
const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

describePostgres('monitor_live', () => {
  let monitor: TestService<'monitor', MonitorConfig>;
  const open: LiveListener[] = [];
  const listen = async (): Promise<LiveListener> => {
    const listener = await LiveListener.open(monitor.url, testTokens.viewer);
    open.push(listener);
    return listener;
  };
  const tell = async (story: RunStory): Promise<void> => { await monitor.bus.publish(story.whole()); };
  const latest = async (): Promise<number> => monitor.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => Number((await tx.run<{ seq: string }>(sql`select seq from feed_position`))[0]?.seq ?? 0));
  /** A whole story, projected to its end. */
  const tellWhole = async (): Promise<number> => {
    const before = await latest();
    await tell(new RunStory());
    await until(async () => await latest() === before + 6);
    return before + 6;
  };
  beforeAll(async () => { monitor = await aService(monitorService(), { suite: 'monitor_live' }); });
  afterEach(() => { for (const listener of open.splice(0)) listener.close(); });
  afterAll(async () => { await monitor.stop(); });

  it('tells a subscriber each event of the runs, in order', async () => {
    const listener = await (await listen()).subscribe({ subscribe: ['runs'] });
    const from = listener.lastSeq;
    const end = await tellWhole();
    await until(() => listener.numbers().includes(end));
    const numbers = listener.numbers();
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect([numbers.at(-1), numbers.every((seq) => seq > from)]).toEqual([end, true]);
  });
  it('goes on after a cut line without a gap and without a repeat', async () => {
    const stayed = await (await listen()).subscribe({ subscribe: ['runs'] });
    const cut = await (await listen()).subscribe({ subscribe: ['runs'] });
    await tellWhole();
    await until(() => cut.numbers().length > 0);
    cut.close();
    const seen = cut.numbers();
    await tellWhole();
    const back = await (await listen()).subscribe({ subscribe: ['runs'], after: Math.max(...seen) });
    const end = await tellWhole();
    await until(() => back.numbers().includes(end) && stayed.numbers().includes(end));
    expect([...seen, ...back.numbers()]).toEqual(stayed.numbers());
  });
  it('does not repeat or skip when a subscriber asks for other topics', async () => {
    const listener = await (await listen()).subscribe({ subscribe: ['runs'] });
    const from = listener.lastSeq;
    const story = new RunStory();
    await monitor.bus.publish(story.whole().slice(0, 3));
    await until(() => listener.numbers().length > 0);
    await listener.subscribe({ subscribe: ['runs', 'throughput'], after: from });
    await monitor.bus.publish(story.whole().slice(3));
    await until(() => listener.numbers().includes(from + 6));
    expect(new Set(listener.numbers()).size).toBe(listener.numbers().length);
  });
  it('resets a client whose number is no longer stored', async () => {
    const end = await tellWhole();
    await monitor.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`delete from feed_event where seq <= ${end - 2}`));
    const listener = await (await listen()).subscribe({ subscribe: ['runs'], after: 1 });
    expect(listener.frames[0]).toEqual({ seq: end, topic: 'reset', event: null });
    const next = await tellWhole();
    await until(() => listener.numbers().includes(next));
    expect(listener.numbers().every((seq) => range(end + 1, next).includes(seq))).toBe(true);
  });
  it.each([['an unknown topic', '{"subscribe":["secrets"]}', 4403], ['another form', '{"wish":1}', 1007], ['no JSON', 'hello', 1007]])('closes a client that says %s', async (_, text, code) => {
    const listener = await listen();
    listener.say(text);
    await until(() => listener.closedWith !== null);
    expect(listener.closedWith).toBe(code);
  });
  it('tells of an event whose notification was lost, with the next heartbeat', async () => {
    const listener = await (await listen()).subscribe({ subscribe: ['runs'] });
    const seq = await latest() + 1;
    await monitor.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => {
      await tx.run(sql`update feed_position set seq = ${seq}`);
      await tx.run(sql`insert into feed_event (tenant_id, seq, topics, event, at) values (${tx.tenantId}, ${seq}, array['runs'], '{}'::jsonb, clock_timestamp())`);
    });
    await until(() => listener.numbers().includes(seq));
  });
  it('tells nobody of another tenant\'s runs', async () => {
    const listener = await (await listen()).subscribe({ subscribe: ['runs', 'throughput', 'pipeline:theirs'] });
    await tell(new RunStory('theirs', otherTenant));
    const end = await tellWhole();
    await until(() => listener.numbers().includes(end));
    expect(JSON.stringify(listener.frames)).not.toContain('theirs');
  });
});
