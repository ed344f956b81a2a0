import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Column, EtlError, type LoadTask, type Profile, type Transform } from '@agent-etl/contracts';
import { describeSpark, sparkAt } from '@agent-etl/engines/testing';
import { type ExprDialect, type LoweredStep, fuseSteps, nativeOf } from '@agent-etl/sql-safety';
import { Secret } from '@agent-etl/secrets';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AFolder, aFolder, mappedToFile } from '../file/testing/a-folder.ts';
import type { ConnectorTools, OpenConnection, Source, SourceSession } from '../port.ts';
import { postgresConnector } from '../postgres/postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer } from '../postgres/testing/postgres-harness.ts';
import { sparkSource } from './spark-source.ts';

const never = new AbortController().signal;
const none = (): Promise<Source> => Promise.reject(new Error('there is no other dataset'));
const column = (name: string) => ({ k: 'col' as const, name });
/** Steps over all kinds that pass through, and calculations over some. */
const steps: readonly LoweredStep[] = [
  { op: 'filter', where: { k: 'bin', op: '<>', l: column('id'), r: { k: 'lit', t: { kind: 'i32' }, v: '4' } } },
  { op: 'derive', columns: [{ as: 'twice', expr: { k: 'bin', op: '*', l: column('price'), r: column('price') } }, { as: 'padded', expr: { k: 'call', fn: 'length', args: [column('fixed')] } }, { as: 'day', expr: { k: 'cast', e: column('at'), to: { kind: 'date' }, onError: 'fail' } }] },
];
const passing = ({ columns }: Profile): Transform['input'] => columns.map(({ name, type, native, nullable }) => ({ name, type, native, nullable }));
function taskOf(profile: Profile, engine: 'postgres' | 'spark', { wanted = steps, others = [] }: { readonly wanted?: readonly LoweredStep[]; readonly others?: readonly Profile[] } = {}): LoadTask {
  const typesOf = ({ columns }: Profile) => new Map(columns.map(({ name, type }) => [name, type]));
  const { stages, columns } = fuseSteps(wanted, typesOf(profile), { dialect: engine, inputs: others.map(typesOf) });
  const inputs = others.map((other) => ({ source: { connection: 'here', dataset: other.dataset }, columns: passing(other), unread: [], fingerprint: other.fingerprint, options: other.options }));
  const transform: Transform = { input: passing(profile), engine, stages: [...stages], ...(inputs.length ? { inputs } : {}) };
  const dialect: ExprDialect = engine === 'spark' ? 'duckdb' : 'postgres';
  const made = columns.map(({ name, type, source }): Column => ({ name, type, nullable: true, native: (engine === 'postgres' && profile.columns.find((each) => each.name === source)?.native) || (nativeOf(dialect, type) ?? 'VARCHAR') }));
  return { id: 'load', kind: 'load', engine: engine === 'spark' ? 'spark' : 'duckdb', source: { connection: 'here', dataset: profile.dataset }, target: { connection: 'files', dataset: 'out.parquet' }, columns: mappedToFile(made), carrier: 'text',
    chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: profile.fingerprint, options: profile.options, digest: 'text-md5', transform };
}

describeSpark('a source whose steps are computed on Spark', () => {
  describeServer('from PostgreSQL', (adminUrl) => {
    let drop: () => Promise<void>;
    let folder: AFolder;
    let handover: string;
    let open: OpenConnection;
    let tools: ConnectorTools;
    let profile: Profile;
    beforeAll(async () => {
      drop = await aDatabase(adminUrl, 't_spark_source');
      folder = await aFolder();
      handover = await mkdtemp(join(tmpdir(), 'spark-handover-'));
      const { url, token } = sparkAt();
      tools = { ...folder.tools, secrets: { get: async (reference) => { expect(reference).toBe('secret://spark#token'); return new Secret(token ?? ''); } }, spark: { url, token: token === null ? null : 'secret://spark#token', folder: handover } };
      const admin = await clientOf(adminUrl, 't_spark_source');
      await admin.query(`create table kinds (id int primary key, small smallint, big bigint, price numeric(12,2), tiny numeric(4,4), free numeric, f real, d double precision, b boolean, t text, fixed character(5), raw bytea, day0 date, clock time, at timestamp, zoned timestamptz, u uuid, j jsonb, "we'ird ""name $ {x}" text)`);
      await admin.query(`insert into kinds values (1, -32768, 9223372036854775807, 1234567890.12, 0.9999, 12345678901234567890.123456789, 0.1, 'NaN', true, E'a\\n"b",é😀', 'ab', '\\x00ff', '0001-01-01', '23:59:59.999999', '1960-01-01 00:00:00.000001', '9999-12-30 12:00:00+05', '00000000-0000-0000-0000-0000000000ff', '{"a": [1, null]}', '\${env:HOME}'),
        (2, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null), (3, 0, -1, -0.05, -0.0001, 0, 'Infinity', 5e-324, false, '', '', '', '9999-12-31', '00:00', '2024-02-29 23:59:59.999999', '1969-12-31 23:59:59.5-07', gen_random_uuid(), 'null', ''),
        (4, 1, 1, 1, 0, 1, 1, 1, true, 'left out', 'x', '\\x01', '2000-01-01', '12:00', '2000-01-01', '2000-01-01', null, '1', 'x')`);
      await admin.query('create table empty_one (id int, price numeric(12,2))');
      await admin.query(`create table labels (id int, label text, made numeric(20,6)); insert into labels values (1, 'one é', 1.5), (3, null, -0.000001), (4, 'left out', 0), (9, 'nobody', 9)`);
      await admin.end();
      open = await postgresConnector.open(connectionTo(adminUrl, 't_spark_source'), tools);
      profile = await open.profile('public.kinds', 'source');
    }, 60_000);
    afterAll(async () => {
      expect(await readdir(handover)).toEqual([]);
      await open.close();
      await drop();
      await rm(handover, { recursive: true, force: true });
      await folder.drop();
    });
    beforeEach(async () => { expect(await readdir(handover)).toEqual([]); });
    const within = async <T>(source: Source, task: LoadTask, work: (session: SourceSession) => Promise<T>): Promise<T> => {
      const session = await source.begin(task, null);
      try { return await work(session); } finally { await session.close(); }
    };
    const bytesOf = async (session: SourceSession): Promise<{ rows: number; text: string }> => {
      const parts: Buffer[] = [];
      const [range] = await session.cut();
      const { rows } = await session.read(range!, { to: { write: (bytes) => { parts.push(Buffer.from(bytes)); return true; }, drained: async () => undefined }, onRead: () => undefined, signal: never });
      return { rows, text: Buffer.concat(parts).toString() };
    };

    it('gives the digest of the same steps beside the table: every kind, NULLs and edges come through', async () => {
      const beside = await within(open.source, taskOf(profile, 'postgres'), async (session) => ({ digest: await session.digest(await session.cut(), never), reached: await session.reached?.(await session.cut(), never), measured: await session.measured?.(await session.cut(), { checks: [], atLeast: null }, never) }));
      const spark = await within(sparkSource(open.source, tools, none), taskOf(profile, 'spark'), async (session) => {
        await session.ready?.(never);
        return { digest: await session.digest(await session.cut(), never), reached: await session.reached?.(await session.cut(), never), measured: await session.measured?.(await session.cut(), { checks: [], atLeast: null }, never), ...await bytesOf(session) };
      });
      expect(spark.digest).toEqual(beside.digest);
      expect([spark.reached, spark.measured]).toEqual([beside.reached, beside.measured]);
      expect(spark.measured).toBeDefined();
      expect([spark.reached, spark.rows]).toEqual([{ seen: 4, kept: 3 }, 3]);
      expect(spark.text).toContain('${env:HOME}');
    }, 60_000);
    const withLabels = (kind: 'left' | 'full'): LoweredStep[] => [...steps, { op: 'join', input: 0, kind, on: [{ left: 'id', right: 'id', nullSafe: false }], take: [{ column: 'label', as: 'label' }, { column: 'made', as: 'made' }], matches: 'one', misses: 'pass' }];
    it('joins what lies beside it, staged under the same picture: rows and counts are those of PostgreSQL', async () => {
      const labels = await open.profile('public.labels', 'source');
      for (const kind of ['left', 'full'] as const) {
        const both = async (source: Source, engine: 'postgres' | 'spark') => within(source, taskOf(profile, engine, { wanted: withLabels(kind), others: [labels] }), async (session) => {
          await session.ready?.(never);
          return { digest: await session.digest(await session.cut(), never), reached: await session.reached?.(await session.cut(), never) };
        });
        const spark = await both(sparkSource(open.source, tools, async (connection) => { expect(connection).toBe('here'); return open.source; }), 'spark');
        expect(spark).toEqual(await both(open.source, 'postgres'));
        expect(spark.reached).toMatchObject({ seen: 4, kept: 3, combined: [{ kind, left: 3, right: 4, out: kind === 'left' ? 3 : 5, matched: 2 }] });
      }
    }, 120_000);
    it('finds out that a key is there twice before it computes the join, and names the key to whoever asked', async () => {
      const admin = await clientOf(adminUrl, 't_spark_source');
      await admin.query(`create table twice (id int, label text, made numeric(20,6)); insert into twice values (3, 'a', 1), (3, 'b', 2)`);
      await admin.end();
      const task = taskOf(profile, 'spark', { wanted: withLabels('left'), others: [await open.profile('public.twice', 'source')] });
      await within(sparkSource(open.source, tools, async () => open.source), task, async (session) => {
        await expect(session.ready!(never)).rejects.toMatchObject({ code: 'data.join-multiplies', cell: { column: 'id', value: '3' } });
        expect((await readdir(handover)).length).toBe(1);
        expect((await readdir(join(handover, (await readdir(handover))[0]!))).sort()).toEqual(['staged.parquet', 'staged_1.parquet']);
      });
    }, 60_000);
    it('stages nothing of it when a dataset beside it cannot be read', async () => {
      const task = taskOf(profile, 'spark', { wanted: withLabels('left'), others: [await open.profile('public.labels', 'source')] });
      const away = new EtlError('connection.unreachable', { connection: 'there', address: 'nowhere' });
      await within(sparkSource(open.source, tools, () => Promise.reject(away)), task, async (session) => { await expect(session.ready!(never)).rejects.toBe(away); });
    }, 60_000);
    it('comes through without a row', async () => {
      const empty = await open.profile('public.empty_one', 'source');
      const task = taskOf(empty, 'spark', { wanted: [{ op: 'filter', where: { k: 'isNull', e: column('id'), neg: true } }] });
      await within(sparkSource(open.source, tools, none), task, async (session) => { expect(await bytesOf(session)).toEqual({ rows: 0, text: '' }); expect((await session.digest(await session.cut(), never)).rows).toBe(0); });
    }, 60_000);
    it('is taken up by the next attempt, which reads the source no more', async () => {
      const task = taskOf(profile, 'spark');
      const first = await sparkSource(open.source, tools, none).begin(task, null);
      await first.ready?.(never);
      const digest = await first.digest(await first.cut(), never);
      await first.leave?.();
      const gone: Source = { offers: ['text'], begin: () => Promise.reject(new Error('the source is read again')) };
      const next = await sparkSource(gone, tools, none).begin(task, first.snapshot);
      await next.ready?.(never);
      expect(await next.digest(await next.cut(), never)).toEqual(digest);
      await next.close();
    }, 60_000);
    it('is lost when Spark knows nothing of it: the load starts over', async () => {
      const session = await sparkSource(open.source, tools, none).begin(taskOf(profile, 'spark'), `spark/${randomUUID()}/${randomUUID()}`);
      await expect(session.ready?.(never)).rejects.toMatchObject({ code: 'source.snapshot-lost' });
      await session.close();
      await expect(sparkSource(open.source, tools, none).begin(taskOf(profile, 'spark'), '00000003-0000001B-1')).rejects.toMatchObject({ code: 'source.snapshot-lost' });
    }, 60_000);
    it('ends with its signal and leaves nothing', async () => {
      const reason = new Error('cancelled');
      await expect(within(sparkSource(open.source, tools, none), taskOf(profile, 'spark'), async (session) => { await session.ready?.(AbortSignal.abort(reason)); })).rejects.toBe(reason);
    }, 60_000);
    it('says what a value cannot do by code, without the value', async () => {
      const task = taskOf(profile, 'spark', { wanted: [{ op: 'cast', column: 't', to: { kind: 'i32' }, onError: 'fail' }] });
      const error: unknown = await within(sparkSource(open.source, tools, none), task, (session) => session.ready!(never)).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'data.value-out-of-range' });
      expect(`${(error as EtlError).message} ${String((error as EtlError).cause)}`).not.toContain('left out');
    }, 60_000);
    it('is refused where no Spark is configured, with what to set', () => {
      const { spark: _spark, ...without } = tools;
      expect(() => sparkSource(open.source, without, none)).toThrow(expect.objectContaining({ code: 'request.unsupported', next: expect.stringContaining('ETL_ENGINES_SPARK_URL') }));
    });
  });
});
