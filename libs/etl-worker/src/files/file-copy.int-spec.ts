import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Column, Connection, LoadResult, type LoadTask, ProfileResult, PublishResult, type TaskCommand } from '@agent-etl/contracts';
import { mapColumnType } from '@agent-etl/connectors';
import { describePostgres } from '@agent-etl/persistence/testing';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { v7 } from 'uuid';
import { AWorkplace } from '../testing/a-worker.ts';
import { aCommand, aLoad, aPublish } from '../testing/an-attempt.ts';

const ROWS = 5_000;

describePostgres('a worker with files', () => {
  let place: AWorkplace;
  let root: string;
  beforeAll(async () => {
    place = await AWorkplace.open('file_copy');
    root = await mkdtemp(join(tmpdir(), 'etl-files-'));
    const lines = Array.from({ length: ROWS }, (_, index) => `${index + 1},"na""me ${index}",${index % 3 ? (index / 8).toFixed(3) : ''}`);
    await writeFile(join(root, 'in.csv'), `id,name,amount\n${lines.join('\n')}\n`);
  });
  afterEach(() => place.rest());
  afterAll(async () => {
    await place?.close();
    await rm(root, { recursive: true, force: true });
  });

  const connections = () => ['from', 'into'].map((name) => Connection.parse({ name, connector: 'file', root }));
  const ask = async (task: TaskCommand['task'], over: { runId?: string; load?: LoadResult; attempt?: number; connections?: Connection[] } = {}) => {
    const command = aCommand(task, { taskRunId: v7(), runId: v7(), connections: connections(), ...over });
    await place.command(command);
    return command;
  };
  const profile = async (target: string): Promise<ProfileResult> => {
    const command = await ask({ id: 'profile', kind: 'profile', source: { connection: 'from', dataset: 'in.csv' }, target: { connection: 'into', dataset: target } });
    return ProfileResult.parse((await place.event('task.run.succeeded.v1', command)).result);
  };
  const copyTo = async (target: string): Promise<LoadTask> => {
    const { source } = await profile(target);
    const columns = source.columns.map((column: Column) => ({
      source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapColumnType('file', column)?.native ?? 'VARCHAR', nullable: column.nullable }));
    return aLoad({
      engine: 'duckdb', source: { connection: 'from', dataset: 'in.csv' }, target: { connection: 'into', dataset: target }, columns, carrier: 'file', digest: 'text-md5',
      chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1_000_000 }, sourceFingerprint: source.fingerprint, options: source.options });
  };

  it('copies csv to parquet, proves it with both digests and publishes by a rename', async () => {
    await place.worker({ fileRoots: [root] });
    const task = await copyTo('out.parquet');
    const load = await ask(task);
    const result = LoadResult.parse((await place.event('task.run.succeeded.v1', load, 30_000)).result);
    expect(result).toMatchObject({ read: ROWS, written: ROWS, chunks: 1 });
    expect(await readdir(root)).not.toContain('out.parquet');
    const publish = await ask(aPublish({ engine: 'duckdb', source: task.source, target: task.target, columns: task.columns, how: 'file', digest: 'text-md5' }), { runId: load.runId, load: result });
    const published = PublishResult.parse((await place.event('task.run.succeeded.v1', publish, 30_000)).result);
    expect(published).toMatchObject({ published: ROWS, sourceDigest: result.digest, targetDigest: result.digest });
    expect((await readdir(root)).sort()).toEqual(['in.csv', 'out.parquet']);
  }, 60_000);

  it('reads a PostgreSQL source once where only counts are compared, and twice where it is proved in full', async () => {
    const admin = new pg.Client({ connectionString: place.database.adminUrl });
    await admin.connect();
    await admin.query(`create table public.rows_of_copy as select n::bigint as id, 'row ' || n as name from generate_series(1, ${ROWS}) n; analyze public.rows_of_copy`);
    const { hostname: host, port, pathname, username: user } = new URL(place.database.adminUrl);
    const ends = [Connection.parse({ name: 'from', connector: 'postgres', host, port: Number(port), database: pathname.slice(1), user, tls: 'disable' }), connections()[1]!];
    const rowsRead = async (): Promise<number> => {
      await sleep(3_500); // statistics are written when sessions end, and sessions rest for two seconds
      return Number((await admin.query<{ n: string }>(`select seq_tup_read + coalesce(idx_tup_fetch, 0) as n from pg_stat_user_tables where relname = 'rows_of_copy'`)).rows[0]?.n);
    };
    await place.worker({ fileRoots: [root] });
    const look = await ask({ id: 'profile', kind: 'profile', source: { connection: 'from', dataset: 'public.rows_of_copy' }, target: { connection: 'into', dataset: 'counts.csv' } }, { connections: ends });
    const { source } = ProfileResult.parse((await place.event('task.run.succeeded.v1', look)).result);
    const columns = source.columns.map((column: Column) => ({
      source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapColumnType('file', column)?.native ?? 'VARCHAR', nullable: column.nullable }));
    const copy = async (level: 'counts' | 'full'): Promise<{ published: PublishResult; reads: number }> => {
      const shared = { engine: 'duckdb' as const, source: { connection: 'from', dataset: 'public.rows_of_copy' }, target: { connection: 'into', dataset: `${level}.csv` }, columns, digest: 'text-md5' as const, level };
      const before = await rowsRead();
      const load = await ask(aLoad({ ...shared, carrier: 'text', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1_000_000 }, sourceFingerprint: source.fingerprint }), { connections: ends });
      const result = LoadResult.parse((await place.event('task.run.succeeded.v1', load, 30_000)).result);
      const reads = (await rowsRead() - before) / ROWS;
      const publish = await ask(aPublish({ ...shared, how: 'file' }), { runId: load.runId, load: result, connections: ends });
      return { published: PublishResult.parse((await place.event('task.run.succeeded.v1', publish, 30_000)).result), reads };
    };
    const [counts, full] = [await copy('counts'), await copy('full')];
    await admin.end();
    expect(counts).toEqual({ reads: 1, published: expect.objectContaining({ published: ROWS, level: 'counts', sourceDigest: null, targetDigest: null }) as unknown });
    expect(full).toEqual({ reads: 2, published: expect.objectContaining({ published: ROWS, level: 'full', sourceDigest: full.published.targetDigest, targetDigest: expect.objectContaining({ rows: ROWS }) as unknown }) as unknown });
  }, 60_000);

  it('refuses a folder outside the allowed ones by name', async () => {
    await place.worker({ fileRoots: [] });
    const command = await ask({ id: 'inspect', kind: 'inspect', connection: 'from', want: 'datasets' });
    expect((await place.event('task.run.failed.v1', command)).failure.code).toBe('connection.forbidden');
  });

  it('leaves no hidden file behind when a load fails for good', async () => {
    await place.worker({ fileRoots: [root] });
    const task = await copyTo('never.parquet');
    await writeFile(join(root, 'in.csv'), 'id,name,amount\n1,a,2.5\nnot a number,b\n');
    const load = await ask(task);
    const { failure } = await place.event('task.run.failed.v1', load, 30_000);
    expect(['data.format-invalid', 'source.schema-drifted']).toContain(failure.code);
    expect(await readdir(root)).not.toContain('never.parquet');
    expect((await readdir(root)).filter((name) => name.includes('never'))).toEqual([]);
  }, 60_000);
});
