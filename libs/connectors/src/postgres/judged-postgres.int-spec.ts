import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ColumnMapping, Judging, LoadTask } from '@agent-etl/contracts';
import type pg from 'pg';
import { JudgedRows } from '../judged/judged-rows.ts';
import type { AsideRow, OpenConnection } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const { signal } = new AbortController();
describeServer('judged rows of PostgreSQL', (adminUrl) => {
  const database = `t_judged_${process.pid}`;
  let drop: () => Promise<void>;
  let db: pg.Client;
  let connection: OpenConnection;
  beforeAll(async () => {
    drop = await aDatabase(adminUrl, database);
    db = await clientOf(adminUrl, database);
    connection = await postgresConnector.open(connectionTo(adminUrl, database), testTools('judged'));
  });
  afterAll(async () => {
    await connection.close();
    await db.end();
    await drop();
  });

  /** @param targets types of a target that is there, by column; `!` says that it takes no NULL */
  async function judge(dataset: string, checks: Judging['checks'], targets: Readonly<Record<string, string>> = {}) {
    const profile = await connection.profile(dataset, 'source');
    const columns = profile.columns.map(({ name, type, native }): ColumnMapping => ({ source: name, target: name, type, sourceNative: native, targetNative: (targets[name] ?? native).replace('!', ''), nullable: !targets[name]?.endsWith('!') }));
    const load: LoadTask = {
      id: 'load', kind: 'load', engine: 'splice', source: { connection: profile.connection, dataset }, target: { connection: profile.connection, dataset: 'mart.out' }, columns, carrier: 'text', digest: 'text-md5',
      chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: profile.fingerprint, options: {}, judging: { pipeline: 'judged', bad: 'aside', atMost: { of: 'rows', rows: 99 }, checks },
    };
    const session = await connection.source.begin(load, null);
    const parts: string[] = [];
    const rows = new JudgedRows({ write: (bytes) => { parts.push(Buffer.from(bytes).toString()); return true; }, drained: async () => undefined }, 'aside', '/nowhere');
    const [range] = await session.cut();
    rows.end(await session.read(range!, { to: rows, onRead: () => undefined, signal }));
    const { rows: proved } = await session.digest([range!], signal);
    await session.close();
    const aside: AsideRow[] = [];
    for await (const batch of rows.aside.batches()) aside.push(...batch);
    return { proved, kept: parts.join('').split('\n').length - 1, aside: aside.map(({ reason, raw }) => [reason, JSON.parse(raw) as unknown] as const) };
  }

  it('set aside what the types of a target refuse, before it sees them', async () => {
    await db.query(`create table narrow (id bigint, name text, code text, s int);
      insert into narrow values (1, 'abc', '00000000-0000-0000-0000-000000000001', 1), (3000000000, 'a', null, 1), (2, 'äöüß', null, 1), (3, 'a', 'no uuid', 1), (4, null, null, 1)`);
    const { aside, proved, kept } = await judge('public.narrow', [], { id: 'integer', name: 'character varying(3)!', code: 'uuid' });
    expect(aside.map(([reason, raw]) => [reason, Object(raw).id])).toEqual([['type:id', 3_000_000_000], ['type:name', 2], ['type:code', 3], ['not_null:name', 4]]);
    expect([proved, kept]).toEqual([1, 1]);
  });
  it('compare numbers as numbers, texts byte by byte, and instants as instants', async () => {
    await db.query(`create table compared (n numeric, t text, at timestamptz, d date, f double precision);
      insert into compared values (10, 'b', '2011-12-31 23:00+00', '2011-12-31', 'NaN'), (9, 'B', '2012-01-01 01:30+02', '2012-01-01', 1), (100, null, null, null, null)`);
    const reasons = async (check: Judging['checks'][number]) => (await judge('public.compared', [check])).aside.map(([, raw]) => String(Object(raw).n));
    expect(await reasons({ check: 'range', column: 'n', from: '10' })).toEqual(['9']);
    expect(await reasons({ check: 'in', column: 'n', values: ['10.0', '9'] })).toEqual(['100']);
    expect(await reasons({ check: 'range', column: 't', from: 'a' })).toEqual(['9']);
    expect(await reasons({ check: 'range', column: 'at', to: '2011-12-31T23:15:00Z' })).toEqual(['9']);
    expect(await reasons({ check: 'range', column: 'd', to: '2011-12-31' })).toEqual(['9']);
    expect(await reasons({ check: 'range', column: 'f', to: '5' })).toEqual(['10']); // NaN is greater than every number, as the server sorts it
  });
  it('keep the first of twins as rows lie, also of a view, and under any names', async () => {
    await db.query(`create table twins (s int, reason text, t int, row int); insert into twins values (1, 'x', 1, 1), (1, 'y', 2, 2), (null, 'z', 3, 3), (null, 'z', 4, 4), (2, 'x', 5, 5), (1, 'w', 6, 6);
      create view seen as select * from twins`);
    const check: Judging['checks'][number] = { check: 'unique', columns: ['s'] };
    const table = await judge('public.twins', [{ check: 'in', column: 'reason', values: ['y', 'z', 'w', 'x'] }, check]);
    expect(table.aside.map(([reason, raw]) => [reason, Object(raw).t])).toEqual([['unique:s', 2], ['unique:s', 6]]);
    const view = await judge('public.seen', [check]);
    expect([view.aside.length, view.proved, view.kept]).toEqual([2, 4, 4]);
  });
});
