import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type SafeSql, compile, literal, sqlFor } from '@agent-etl/sql-safety';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckChild } from './duck-child.ts';
import { FifoFeed, FifoTap, makeFifo } from './fifo.ts';

const sql = sqlFor('duckdb');
const text = (value: string) => literal('duckdb', value);
const children: DuckChild[] = [];
let scratch: string;

beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'duck-child-')); });
afterEach(async () => { await Promise.all(children.splice(0).map((child) => child.stop())); });
afterAll(async () => {
  expect(await readdir(scratch)).toEqual([]);
  await rm(scratch, { recursive: true });
});
async function aChild(files: string[] = [], memoryBytes?: number): Promise<DuckChild> {
  const child = await DuckChild.start({ about: 'orders.csv', scratch, files, ...(memoryBytes ? { memoryBytes } : {}) });
  children.push(child);
  return child;
}
const pidOf = (child: DuckChild): number => Number(execFileSync('pgrep', ['-f', '-P', String(process.pid), 'duckdb-child.mjs']).toString().split('\n').filter(Boolean).find((pid) => existsSync(`/proc/${pid}`)) ?? child);
const slow = compile(sql`SELECT count(*) AS n FROM range(100000000000) AS a WHERE a.range % 7 = 1`);

describe('a DuckDB child', () => {
  it('answers rows as JSON says them, big numbers as text', async () => {
    const child = await aChild();
    expect(await child.query(compile(sql`SELECT 1 AS a, CAST(${'x'} AS VARCHAR) AS b, 9007199254740993 AS c`))).toEqual([{ a: 1, b: 'x', c: '9007199254740993' }]);
  });

  it('runs nothing that sql-safety did not compile', async () => {
    const child = await aChild();
    const forged = { dialect: 'duckdb', text: 'SELECT 1', params: [] } as unknown as SafeSql<'duckdb'>;
    await expect(child.query(forged)).rejects.toThrow(TypeError);
  });

  it('touches no file outside what it was granted, and lifts no lock', async () => {
    const child = await aChild();
    for (const statement of [
      sql`SELECT * FROM read_csv(${text('/etc/passwd')}, auto_detect = false, columns = {'a': 'VARCHAR'})`,
      sql`SELECT * FROM read_csv(${text(`${child.folder}/../../../etc/passwd`)}, auto_detect = false, columns = {'a': 'VARCHAR'})`,
      sql`COPY (SELECT 1) TO ${text(join(scratch, 'beside.csv'))}`, sql`ATTACH ${text(join(scratch, 'x.db'))} AS x`,
    ]) await expect(child.query(compile(statement))).rejects.toMatchObject({ code: 'file.forbidden' });
    for (const statement of [sql`SET threads = 1`, sql`SET enable_external_access = true`, sql`INSTALL httpfs`, sql`LOAD httpfs`]) {
      await expect(child.query(compile(statement))).rejects.toMatchObject({ name: 'EtlError' });
    }
  });

  it('writes exactly the file it was granted', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'duck-grant-')), 'out.csv');
    const child = await aChild([file]);
    expect(await child.copy(compile(sql`COPY (SELECT * FROM range(3)) TO ${text(file)} (FORMAT csv, HEADER false)`))).toBe(3);
    expect(await readFile(file, 'utf8')).toBe('0\n1\n2\n');
    await expect(child.copy(compile(sql`COPY (SELECT 1) TO ${text(`${file}2`)}`))).rejects.toMatchObject({ code: 'file.forbidden' });
  });

  it('refuses to hand out rows in bulk', async () => {
    const child = await aChild();
    await expect(child.query(compile(sql`SELECT * FROM range(10002)`))).rejects.toMatchObject({ code: 'platform.internal' });
  });

  it('stops a long statement within a second of the abort, with the reason of the signal', async () => {
    const child = await aChild();
    const stop = new AbortController();
    const asked = child.query(slow, stop.signal);
    setTimeout(() => { stop.abort(new Error('cancelled')); }, 100);
    const from = performance.now();
    await expect(asked).rejects.toThrow('cancelled');
    expect(performance.now() - from).toBeLessThan(1_500);
  });

  it('frees a statement that waits in a FIFO nobody writes to', async () => {
    const child = await aChild();
    const fifo = await makeFifo(child.folder, 'in');
    const stop = new AbortController();
    const asked = child.query(compile(sql`SELECT count(*) FROM read_csv(${text(fifo)}, auto_detect = false, columns = {'a': 'VARCHAR'})`), stop.signal);
    setTimeout(() => { stop.abort(new Error('cancelled')); }, 100);
    await expect(asked).rejects.toThrow('cancelled');
  });

  it('says that it was lost when it is killed in the middle of a statement', async () => {
    const child = await aChild();
    const asked = child.query(slow);
    setTimeout(() => { process.kill(pidOf(child), 'SIGKILL'); }, 100);
    await expect(asked).rejects.toMatchObject({ code: 'platform.unavailable' });
  });

  it('names memory when a statement needs more than it was granted', async () => {
    const child = await aChild([], 64 * 1024 * 1024);
    await expect(child.query(compile(sql`SELECT length(string_agg(CAST(range AS VARCHAR), ',')) AS n FROM range(30000000)`))).rejects.toMatchObject({ code: 'query.memory-exceeded', details: { next: expect.stringContaining('ETL_ETL_WORKER_ENGINE_MEMORY_MB') as unknown } });
  });

  it('has as many threads as its memory feeds', async () => {
    const asked = compile(sql`SELECT current_setting('threads') AS threads`);
    const [small, usual] = [await aChild([], 256 * 1024 * 1024), await aChild()];
    expect([await small.query(asked), await usual.query(asked)]).toEqual([[{ threads: '1' }], [{ threads: '2' }]]);
  });

  it('ends with its parent', async () => {
    const program = join(scratch, 'parent.mjs');
    const child = new URL('./duckdb-child.mjs', import.meta.url).pathname;
    await writeFile(program, `import { fork } from 'node:child_process'; const c = fork(${JSON.stringify(child)}, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }); console.log(String(c.pid)); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300);`);
    let pid = 0;
    try { execFileSync(process.execPath, [program]); } catch (error) { pid = Number(String((error as { stdout: Buffer }).stdout)); }
    await rm(program);
    expect(pid).toBeGreaterThan(0);
    for (let turn = 0; turn < 40 && existsSync(`/proc/${pid}`); turn++) await new Promise((resolve) => { setTimeout(resolve, 50); });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe('a FIFO between us and an engine', () => {
  const readText = (path: string) => sql`SELECT count(*) AS n, sum(length(a)) AS letters FROM read_csv(${text(path)}, auto_detect = false, header = false, columns = {'a': 'VARCHAR'})`;

  it('carries a few bytes and many, in', async () => {
    for (const rows of [1, 200_000]) {
      const child = await aChild();
      const fifo = await makeFifo(child.folder, 'in');
      const asked = child.query(compile(readText(fifo)));
      const feed = await FifoFeed.open(fifo, asked);
      for (let row = 0; row < rows; row++) if (!feed.write(Buffer.from('abcdefghij\n'))) await feed.drained();
      feed.end();
      expect(await asked).toEqual([{ n: String(rows), letters: String(rows * 10) }]);
    }
  });

  it('carries everything out before its end, however slow the reader is', async () => {
    const child = await aChild();
    const fifo = await makeFifo(child.folder, 'out');
    const tap = new FifoTap(fifo);
    let seen = 0;
    const slowly = { write: (bytes: Uint8Array) => { seen += bytes.length; return false; }, drained: () => new Promise<void>((resolve) => { setTimeout(resolve, 1); }) };
    const pumped = tap.pump(slowly, () => undefined);
    await child.copy(compile(sql`COPY (SELECT 'abcdefghij' AS a FROM range(200000)) TO ${text(fifo)} (FORMAT csv, HEADER false)`));
    tap.release();
    expect(await pumped).toBe(2_200_000);
    expect(seen).toBe(2_200_000);
  });

  it('tells the writer when the engine has failed', async () => {
    const child = await aChild();
    const fifo = await makeFifo(child.folder, 'in');
    const asked = child.query(compile(sql`SELECT sum(a) FROM read_csv(${text(fifo)}, auto_detect = false, header = false, columns = {'a': 'INTEGER'})`));
    asked.catch(() => undefined);
    const feed = await FifoFeed.open(fifo, asked);
    const flood = async () => { for (;;) if (!feed.write(Buffer.from('word\n'.repeat(1_000)))) await feed.drained(); };
    await expect(flood()).rejects.toThrow();
    await expect(asked).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 1, value: 'word', column: 'a' } });
    feed.destroy();
  });

  it('does not wait for an engine that never opens its input', async () => {
    const child = await aChild();
    const fifo = await makeFifo(child.folder, 'in');
    const asked = child.query(compile(sql`SELECT no_such_function(1)`));
    asked.catch(() => undefined);
    await expect(FifoFeed.open(fifo, asked)).rejects.toMatchObject({ name: 'EtlError' });
  });
});
