import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Column, Connection, LoadResult, type LoadTask, ProfileResult, PublishResult, type TaskCommand } from '@agent-etl/contracts';
import { mapColumnType } from '@agent-etl/connectors';
import { describePostgres } from '@agent-etl/persistence/testing';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  const ask = async (task: TaskCommand['task'], over: { runId?: string; load?: LoadResult; attempt?: number } = {}) => {
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
