import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { LoadTask, Profile } from '@agent-etl/contracts';
import { compile, identifier, literal, sqlFor, typeName } from '@agent-etl/sql-safety';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { OpenConnection } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const sql = sqlFor('postgres');
const tools = testTools('rights');
const failure = async (work: Promise<unknown>): Promise<{ code?: string; next?: string | null; message?: string }> => work.then(() => ({ code: 'resolved' }), (error: { code: string; next: string | null; message: string }) => error);

describeServer('postgres-rights', (adminUrl) => {
  const database = `t_rights_${process.pid}`;
  const role = `t_poor_${process.pid}`;
  let admin: pg.Client;
  let poor: OpenConnection;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    drop = await aDatabase(adminUrl, database);
    admin = await clientOf(adminUrl, database);
    await admin.query(`create role ${role} login; create schema shop; create table shop."Orders" (id int primary key, v text); insert into shop."Orders" values (1, 'a');
      create table public.target (id int, v text); revoke create on schema public from public`);
    poor = await postgresConnector.open(connectionTo(adminUrl, database, { user: role }), tools);
  }, 60_000);
  afterAll(async () => {
    await poor?.close();
    await admin?.query(`drop owned by ${role}; drop role ${role}`);
    await admin?.end();
    await drop?.();
  }, 60_000);
  const loadOf = (source: Profile, dataset: string): LoadTask => ({
    id: 'load', kind: 'load', engine: 'splice', source: { connection: source.connection, dataset: source.dataset }, target: { connection: source.connection, dataset }, carrier: 'frames', digest: 'pg-frame', options: {},
    columns: source.columns.map(({ name, type, native, nullable }) => ({ source: name, target: name, type, sourceNative: native, targetNative: native, nullable })),
    chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: source.fingerprint,
  });

  it('prints the grant that a reader needs, which then is enough', async () => {
    const refused = await failure(poor.profile('shop.Orders', 'source'));
    expect([refused.code, refused.next]).toEqual(['connection.permission-denied', `GRANT USAGE ON SCHEMA shop TO "${role}"; GRANT SELECT ON shop."Orders" TO "${role}"`]);
    await admin.query(refused.next ?? '');
    const profile = await poor.profile('shop.Orders', 'source');
    expect(profile).toMatchObject({ rows: 1, primaryKey: ['id'] });
    const session = await poor.source.begin(loadOf(profile, 'public.copy'), null);
    expect((await session.cut()).length).toBe(1);
    await session.close();
  });
  it('prints the grants that a writer needs, one after the other, and then writes', async () => {
    const task = loadOf(await poor.profile('shop.Orders', 'source'), 'fresh.copy');
    const write = async (): Promise<number> => {
      const session = await poor.source.begin(task, null);
      const sink = await poor.sink.begin(task, { runId: randomUUID(), task: 'load', attempt: 1, holder: 'test' }).catch(async (error: unknown) => { await session.close(); throw error; });
      try {
        await sink.raise();
        await sink.prepare({ fresh: 'start-over' });
        const [range] = await session.cut();
        const writer = await sink.begin(range!);
        if (writer === 'done') throw new Error('done already');
        const count = await session.read(range!, { to: writer.to, onRead: () => undefined, signal: new AbortController().signal });
        await writer.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: count.digest });
        const publish = { id: 'publish', kind: 'publish', engine: task.engine, load: 'load', source: task.source, target: task.target, columns: task.columns, how: 'rename', key: null, keyFromSource: false, level: 'full', digest: task.digest } as const;
        return (await sink.publish(publish, { rows: count.rows, digest: count.digest! })).published;
      } finally {
        await sink.discard();
        await Promise.all([sink.close(), session.close()]);
      }
    };
    const grants: string[] = [];
    for (let step = 0; step < 5; step += 1) {
      const refused = await failure(write());
      if (refused.code === 'resolved') break;
      expect([refused.code, refused.next]).toEqual(['connection.permission-denied', expect.stringContaining('GRANT')]);
      grants.push(refused.next ?? '');
      await admin.query(refused.next ?? '');
    }
    expect(grants).toEqual([`GRANT CREATE ON DATABASE "${database}" TO "${role}"`]);
    expect((await admin.query('select count(*)::int as n from fresh.copy')).rows).toEqual([{ n: 1 }]);
  });
  it('prints the grant for a schema that a new table would go to, and for a ledger that somebody else made', async () => {
    await admin.query(`create schema closed; revoke create on database ${database} from ${role}; alter schema _etl owner to ${(await admin.query<{ me: string }>('select current_user as me')).rows[0]?.me}`);
    for (const grant of [`GRANT USAGE, CREATE ON SCHEMA closed TO "${role}"`, `GRANT USAGE, CREATE ON SCHEMA _etl TO "${role}"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA _etl TO "${role}"`]) {
      const refused = await failure(poor.profile('closed.copy', 'target'));
      expect([refused.code, refused.next]).toEqual(['connection.permission-denied', grant]);
      await admin.query(grant);
    }
    expect((await poor.profile('closed.copy', 'target')).exists).toBe(false);
  });
  it('prints the grant for a table that may not be appended to, before anything is planned', async () => {
    const refused = await failure(poor.profile('public.target', 'target'));
    expect([refused.code, refused.next]).toEqual(['connection.permission-denied', expect.stringContaining(`GRANT SELECT, INSERT ON public.target TO "${role}"`)]);
    await admin.query(refused.next ?? '');
    expect(await poor.profile('public.target', 'target')).toMatchObject({ exists: true, rows: 0, rowsExact: true });
  });
  it('names the rights that an upsert or a replace would lack, before a row has moved, each with the grant that is enough', async () => {
    const { lacks = {} } = await poor.profile('public.target', 'target');
    expect(Object.keys(lacks)).toEqual(['UPDATE', 'TRUNCATE', 'DELETE', 'ALTER']);
    expect(lacks['UPDATE']).toBe(`GRANT USAGE ON SCHEMA public TO "${role}"; GRANT SELECT, INSERT, UPDATE ON public.target TO "${role}"`);
    for (const grant of Object.values(lacks)) await admin.query(grant);
    expect((await poor.profile('public.target', 'target')).lacks).toBeUndefined();
  });
  it('names a database that is nearest to one that is missing', async () => {
    const lost = await postgresConnector.open(connectionTo(adminUrl, database.replace('rights', 'rihgts')), tools);
    expect(await failure(lost.inspect('test'))).toMatchObject({ code: 'source.not-found', next: expect.stringContaining(database) as unknown });
  });

  it('reads every name and text back from the server as it was', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => value.isWellFormed() && !value.includes('\0'));
    const name = text.filter((value) => value.length > 0 && Buffer.byteLength(value) <= 63);
    await fc.assert(fc.asyncProperty(name, text, text, async (column, printed, bound) => {
      const { text: statement, params } = compile(sql`SELECT ${literal('postgres', printed)} AS ${identifier(column)}, ${bound}::text AS bound`);
      const { rows, fields } = await admin.query<string[]>({ text: statement, values: [...params], rowMode: 'array' });
      expect([fields[0]?.name, rows]).toEqual([column, [[printed, bound]]]);
    }), { numRuns: 300 });
  });
  it('makes columns of every type that the catalogue prints', async () => {
    const { rows } = await admin.query<{ spelled: string }>(`select format_type(oid, case when typname in ('numeric') then 1179657 when typname in ('varchar', 'bpchar') then 24 when typname = 'bit' then 5 when typname like 'timestamp%' then 3 end) as spelled
      from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') and typname not like 'pg\\_%' and typinput::text not like '%_in_fail%'`);
    expect(rows.length).toBeGreaterThan(100);
    for (const { spelled } of rows) expect(compile(typeName('postgres', spelled)).text).toBe(spelled);
  });
});
