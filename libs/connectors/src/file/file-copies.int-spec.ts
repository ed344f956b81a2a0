import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PublishTask } from '@agent-etl/contracts';
import { grantEngines } from '@agent-etl/engines';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const vega = fileURLToPath(new URL('../../../../node_modules/vega-datasets/data', import.meta.url));
const { signal } = new AbortController();
let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { expect(await readdir(folder.tools.scratch)).toEqual([]); await folder.drop(); });

/** Writes a Parquet file that somebody else may have made. */
async function makeParquet(select: string, name: string, options = ''): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`copy (${select}) to '${join(folder.root, name)}' (format parquet${options})`);
  connection.closeSync();
}

/** Copies a file to a file: plan, stage, compare, publish. */
async function move(from: string, to: string, carrier: 'text' | 'file' = 'file') {
  const open = await folder.open();
  const source = await open.profile(from, 'source');
  const task = aLoad(source, to, { carrier });
  const sink = await open.sink.begin(task, aWriter());
  const { rows, digest } = await stage(open, sink, task);
  const publish: PublishTask = aPublish(task);
  const staged = await sink.stagedDigest(publish, signal);
  expect({ rows: staged.rows, digest: `${staged.a}:${staged.b}` }).toEqual({ rows, digest });
  const published = await sink.publish(publish, { rows, digest: staged });
  expect(published.published).toBe(rows);
  return { rows, digest, target: await open.profile(to, 'source') };
}
describe('a copy from file to file', () => {
  it.each(['airports.csv', 'birdstrikes.csv', 'zipcodes.csv'])('carries %s to Parquet, to gzipped CSV and back with equal digests', async (name) => {
    await copyFile(join(vega, name), join(folder.root, name));
    const first = await move(name, 'a.parquet');
    const second = await move('a.parquet', 'b.csv.gz');
    const third = await move('b.csv.gz', 'c.parquet', 'text');
    expect(first.rows).toBeGreaterThan(2_000);
    expect([second.rows, third.rows]).toEqual([first.rows, first.rows]);
    expect([second.digest, third.digest]).toEqual([first.digest, first.digest]);
  });

  it('keeps NULL apart from the empty text, and quotes, commas and line ends as they are', async () => {
    await folder.write('t.csv', 'id,note\n1,\n2,""\n3,"a ""b"", c\nd"\n4,\'x\'\n');
    for (const carrier of ['file', 'text'] as const) {
      await move('t.csv', 'u.csv', carrier);
      expect(await readFile(join(folder.root, 'u.csv'), 'utf8').then((content) => content.split('\n').sort())).toEqual('id,note\n1,\n2,""\n3,"a ""b"", c\nd"\n4,\'x\'\n'.split('\n').sort());
    }
  });

  it('writes Parquet of wide rows within the memory of the engine', async () => {
    const wide = 120_000;
    await makeParquet(`select i as id, repeat(md5(i::varchar), 100) as page from range(${wide}) as t(i)`, 'pages.parquet', ', row_group_size 2048');
    grantEngines({ memoryBytes: 192 * 1024 * 1024 });
    try {
      expect((await move('pages.parquet', 'out.parquet')).rows).toBe(wide);
    } finally { grantEngines({ memoryBytes: 512 * 1024 * 1024 }); }
  }, 60_000);

  it('reads instants that end with the minute', async () => {
    await folder.write('t.csv', 'id,at\n1,2001-01-01 10:00+02\n2,2001-01-01T10:00Z\n3,2001-01-01 10:00:30.5 -03:30\n4,\n5,2001-01-01 10:00 -0330\n');
    await move('t.csv', 'out.parquet');
    await move('out.parquet', 'back.csv');
    expect((await readFile(join(folder.root, 'back.csv'), 'utf8')).split('\n').sort()).toEqual(['', '1,2001-01-01 08:00:00+00', '2,2001-01-01 10:00:00+00', '3,2001-01-01 13:30:30.5+00', '4,', '5,2001-01-01 13:30:00+00', 'id,at']);
  });
  it('carries an empty table and a cell of a megabyte', async () => {
    await folder.write('none.csv', 'a,b\n');
    await folder.write('big.csv', `a,b\n1,${'x'.repeat(1_500_000)}\n`);
    for (const carrier of ['file', 'text'] as const) {
      expect((await move('none.csv', 'none.parquet', carrier)).rows).toBe(0);
      expect((await move('big.csv', 'big.parquet', carrier)).rows).toBe(1);
    }
  });

  it('keeps names that SQL finds long or strange, and refuses two that differ in case only', async () => {
    const long = `${'Täglicher Umsatz '.repeat(8)}"quoted", 'x'`;
    await folder.write('t.csv', `"${long.replaceAll('"', '""')}",select\n1,2\n`);
    for (const to of ['u.parquet', 'u.csv', 'u.tsv.gz']) expect((await move('t.csv', to)).target.columns.map(({ name }) => name)).toEqual([long, 'select']);
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'v.parquet');
    await expect(open.sink.begin({ ...task, columns: task.columns.map((column, index) => ({ ...column, target: index ? 'A' : 'a' })) }, aWriter())).rejects.toMatchObject({ code: 'request.unsupported' });
  });

  it('names the cell that does not fit any more', async () => {
    await folder.write('t.csv', 'id,n\n1,5\n');
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    await folder.write('t.csv', 'id,n\n1,5\n2,1.5\n');
    for (const carrier of ['file', 'text'] as const) {
      const sink = await open.sink.begin(task, aWriter());
      await expect(stage(open, sink, { ...task, carrier })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'n', value: '1.5', target: 'BIGINT' } });
      expect(await readdir(folder.root)).toEqual(['t.csv']);
    }
  });

  it.each([['99999999999999999999', 'BIGINT', 'n'], ['1e999', 'DOUBLE', 'f'], ['2001-13-01', 'DATE', 'd'], ['2001-01-01 10:00', 'DATE', 'd']])('does not bend %s into a %s', async (value, target, column) => {
    await folder.write('t.csv', 'n,f,d\n1,2.5,2001-01-31\n');
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    const cells: Record<string, string> = { n: '2', f: '0.5', d: '2001-02-28', [column]: value };
    await folder.write('t.csv', `n,f,d\n1,2.5,2001-01-31\n${cells['n']},${cells['f']},${cells['d']}\n`);
    await expect(stage(open, await open.sink.begin(task, aWriter()), task)).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column, value, target } });
  });

  it('names the cell also when the digest meets it first, and says what a person can do', async () => {
    await folder.write('t.csv', 'id,n\n1,5\n');
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    await folder.write('t.csv', 'id,n\n1,5\n2,oops\n');
    const session = await open.source.begin(task, null);
    await expect(session.digest(await session.cut(), signal)).rejects.toMatchObject(
      { code: 'data.value-out-of-range', message: 'A value does not fit the column it goes to: column n, target BIGINT.', next: expect.stringContaining('mend the cell') as unknown, cell: { row: 2, column: 'n', value: 'oops', target: 'BIGINT' } });
  });

  it('names row and column of nanoseconds in a Parquet file', async () => {
    await makeParquet(`select 1 as id, cast(null as timestamp_ns) as v union all select 2, timestamp_ns '2020-01-01 00:00:00.000000001' order by 1`, 't.parquet');
    const open = await folder.open();
    for (const to of ['u.parquet', 'u.csv']) {
      const task = aLoad(await open.profile('t.parquet', 'source'), to);
      for (const carrier of ['file', 'text'] as const) {
        await expect(stage(open, await open.sink.begin(task, aWriter()), { ...task, carrier })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'v', value: '2020-01-01 00:00:00.000000001', target: 'TIMESTAMP' } });
      }
    }
  });

  it('says that a line is too long for a file, not that the file is no CSV', async () => {
    await folder.write('t.csv', `id,t\n1,${'x'.repeat(17 * 1024 * 1024)}\n`);
    await expect((await folder.open()).profile('t.csv', 'source')).rejects.toMatchObject({ code: expect.stringMatching(/data.row-too-large|data.format-invalid/) as unknown });
  });

  it('takes names as long as the file system does, and refuses longer ones', async () => {
    await folder.write('t.csv', 'id\n1\n');
    const longest = `${'é'.repeat(125)}a.csv`;
    expect((await move('t.csv', longest)).rows).toBe(1);
    await expect((await folder.open()).profile(`${'x'.repeat(252)}.csv`, 'target')).rejects.toMatchObject({ code: 'file.forbidden', details: { reason: 'its name is too long for a file system' } });
  });

  it('says in which row NUL turned up after the profile', async () => {
    await folder.write('t.csv', 'id,n\n1,x\n');
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    await folder.write('t.csv', `id,n\n${'1,x\n'.repeat(80_000)}2,y\0\n`);
    await expect(stage(open, await open.sink.begin(task, aWriter()), task)).rejects.toMatchObject({ code: 'data.format-invalid', details: { place: 'row 80001, column n' } });
  });

  it('sees that the source changed its shape, not its content', async () => {
    await folder.write('t.csv', 'id,n\n1,5\n');
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'u.parquet');
    await folder.write('t.csv', 'id,n\n1,5\n2,6\n');
    expect((await stage(open, await open.sink.begin(task, aWriter()), task)).rows).toBe(2);
    await folder.write('t.csv', 'id,m\n1,5\n');
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', details: { diff: 'without n BIGINT, with m BIGINT' } });
    await folder.write('t.csv', 'id,n,more\n1,5,6\n');
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', details: { diff: 'with more' }, issues: [{ code: 'drift.added', path: '/columns/more' }] });
    await rm(join(folder.root, 't.csv'));
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'source.not-found' });
  });

  it('does not take a gzip file that is cut at a line end for a shorter one', async () => {
    await folder.write('t.csv.gz', gzipSync('a,b\n' + '1,2\n'.repeat(500_000)));
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv.gz', 'source'), 'u.parquet');
    const whole = await readFile(join(folder.root, 't.csv.gz'));
    await folder.write('t.csv.gz', whole.subarray(0, whole.length - 8));
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'data.format-invalid', details: { format: 'gzip' } });
  });
});

describe('zstd', () => {
  it('carries a CSV there and back with one digest, and is really packed', async () => {
    await copyFile(join(vega, 'airports.csv'), join(folder.root, 'airports.csv'));
    const first = await move('airports.csv', 'a.csv.zst');
    const second = await move('a.csv.zst', 'b.ndjson.zst', 'text');
    const third = await move('b.ndjson.zst', 'c.parquet');
    expect([second.digest, third.digest]).toEqual([first.digest, first.digest]);
    const packed = await readFile(join(folder.root, 'a.csv.zst'));
    expect(zstdDecompressSync(packed).toString().split('\n')[0]).toBe('iata,name,city,state,country,latitude,longitude');
    expect(packed.length).toBeLessThan((await readFile(join(folder.root, 'airports.csv'))).length / 2);
  });
  it('is read to its last frame', async () => {
    await folder.write('t.csv.zst', Buffer.concat([zstdCompressSync('id,note\n1,a\n'), zstdCompressSync('2,b\n'), zstdCompressSync('3,c\n')]));
    expect((await move('t.csv.zst', 'u.csv')).rows).toBe(3);
  });
  it('that is cut at a block is not taken for a shorter file, though DuckDB would', async () => {
    await folder.write('t.csv.zst', zstdCompressSync('a,b\n' + '1,2\n'.repeat(500_000)));
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv.zst', 'source'), 'u.parquet');
    const whole = await readFile(join(folder.root, 't.csv.zst'));
    await folder.write('t.csv.zst', whole.subarray(0, whole.length - 9));
    await expect(open.source.begin(task, null)).rejects.toMatchObject({ code: 'data.format-invalid', details: { format: 'zstd' } });
  });
  it.each([['x.csv.zst', gzipSync('a\n1\n'), 'it holds gzip'], ['x.csv.gz', zstdCompressSync('a\n1\n'), 'it holds zstd'], ['x.csv', zstdCompressSync('a\n1\n'), 'it holds zstd'], ['x.csv.zst', Buffer.from('a\n1\n'), 'it holds no zstd stream'],
    ['x.csv.zst', zstdCompressSync(zstdCompressSync('a\n1\n')), 'it holds zstd'], ['x.ndjson.zst', zstdCompressSync('a,b\n'), 'it does not begin with {: every line holds one object; name an array of objects .json']])(
    'is what %s promises, also inside', async (name, content, problem) => {
      await folder.write(name, content);
      await expect((await folder.open()).profile(name, 'source')).rejects.toMatchObject({ code: 'data.format-invalid', details: { file: name, problem } });
    });
  it('that is a bomb is looked at in a moment and never copied', async () => {
    const frame = zstdCompressSync(Buffer.from('1,2\n'.repeat(16 * 1024 * 1024)));
    await folder.write('t.csv.zst', Buffer.concat([zstdCompressSync('a,b\n'), ...Array.from({ length: 40 }, () => frame)]));
    const open = await folder.open();
    const source = await open.profile('t.csv.zst', 'source');
    expect(source.rowsExact).toBe(false);
    await expect(open.source.begin(aLoad(source, 'u.parquet'), null)).rejects.toMatchObject({ code: 'file.forbidden' });
  }, 60_000);
});

describe('a file sink', () => {
  async function staged(attempt = 1, writer = aWriter({ attempt })) {
    await folder.write('t.csv', 'id\n1\n2\n');
    const open = await folder.open();
    const task = aLoad(await open.profile('t.csv', 'source'), 'out/u.csv');
    const sink = await open.sink.begin(task, writer);
    const { rows } = await stage(open, sink, task);
    return { open, task, sink, writer, rows, publish: aPublish(task) };
  }

  it('shows nothing before it publishes, and hides what it makes', async () => {
    const { sink, publish } = await staged();
    expect(await readdir(join(folder.root, 'out'))).toEqual([expect.stringMatching(/^\.u\.csv\.[0-9a-f]{32}\.1\.tmp$/)]);
    expect(await (await folder.open()).inspect('datasets')).toMatchObject({ datasets: [{ name: 't.csv' }] });
    await sink.publish(publish, { rows: 2, digest: await sink.stagedDigest(publish, signal) });
    expect(await readdir(join(folder.root, 'out'))).toEqual(['u.csv']);
  });

  it('publishes once, however often it is asked, and replaces what was there', async () => {
    await mkdir(join(folder.root, 'out'));
    await folder.write('out/u.csv', 'old');
    const { sink, publish } = await staged();
    const digest = await sink.stagedDigest(publish, signal);
    expect(await sink.publish(publish, { rows: 2, digest })).toEqual({ published: 2, inserted: null, updated: null });
    await writeFile(join(folder.root, 'out/u.csv'), 'later');
    expect(await sink.publish(publish, { rows: 2, digest })).toEqual({ published: 2, inserted: null, updated: null });
    expect(await readFile(join(folder.root, 'out/u.csv'), 'utf8')).toBe('later');
    expect((await sink.ledger()).map(({ chunkKey }) => chunkKey)).toContain('publish');
  });

  it('finds out after a crash that the rename had happened', async () => {
    const { open, task, writer, sink, publish } = await staged();
    const digest = await sink.stagedDigest(publish, signal);
    const add = folder.ledger.add.bind(folder.ledger);
    folder.ledger.add = async (run, name, row) => { if (row.chunkKey === 'publish') throw new Error('killed'); return add(run, name, row); };
    await expect(sink.publish(publish, { rows: 2, digest })).rejects.toThrow('killed');
    folder.ledger.add = add;
    const again = await open.sink.begin(task, { ...writer, attempt: 2 });
    await again.raise();
    expect((await again.ledger()).map(({ rows }) => rows)).toEqual([2]);
    expect(await again.stagedDigest(publish, signal)).toEqual(digest);
    expect(await again.publish(publish, { rows: 2, digest })).toMatchObject({ published: 2 });
  });

  it('keeps the piece of an earlier attempt, and makes it again when its file is gone', async () => {
    const { open, task, writer } = await staged();
    const second = await open.sink.begin(task, { ...writer, attempt: 2 });
    await second.raise();
    await second.prepare({ fresh: 'keep' });
    const [row] = await second.ledger();
    expect(await second.begin({ key: row?.chunkKey ?? '', ordinal: 0, from: null, to: null })).toBe('done');
    for (const name of await readdir(join(folder.root, 'out'))) await rm(join(folder.root, 'out', name));
    expect(await second.ledger()).toEqual([]);
    expect((await stage(open, second, task)).rows).toBe(2);
  });

  it('lets nobody commit or publish behind a raised fence', async () => {
    const { open, task, writer, sink, publish } = await staged();
    const digest = await sink.stagedDigest(publish, signal);
    const other = await open.sink.begin(task, aWriter());
    await other.raise();
    await expect(sink.publish(publish, { rows: 2, digest })).rejects.toMatchObject({ code: 'lease.lost' });
    await expect(sink.begin({ key: 'another', ordinal: 1, from: null, to: null })).rejects.toMatchObject({ code: 'lease.lost' });
    const zombie = await open.sink.begin(task, aWriter());
    await zombie.raise();
    await zombie.prepare({ fresh: 'keep' });
    const chunk = await zombie.begin({ key: 'z', ordinal: 0, from: null, to: null });
    if (chunk === 'done') throw new Error('not done yet');
    await chunk.copyFile((await open.source.begin(task, null)).scan(), signal);
    await other.raise();
    await expect(chunk.commit({ rows: 2, rejected: 0, bytes: 1, digest: null })).rejects.toMatchObject({ code: 'lease.lost' });
    await other.discard();
    await open.sink.begin(task, writer).then((session) => session.discard());
    expect(await readdir(join(folder.root, 'out'))).toEqual([]);
  });

  it('refuses to commit when fewer rows arrived than were read', async () => {
    const { open, task } = await staged();
    const sink = await open.sink.begin({ ...task, carrier: 'text' }, aWriter());
    await sink.raise();
    await sink.prepare({ fresh: 'keep' });
    const chunk = await sink.begin({ key: 'k', ordinal: 0, from: null, to: null });
    if (chunk === 'done') throw new Error('not done yet');
    chunk.to.write(Buffer.from('"1"\n'));
    await expect(chunk.commit({ rows: 2, rejected: 0, bytes: 4, digest: null })).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
    expect(await sink.ledger()).toEqual([]);
  });

  it('leaves nothing of a stream that broke off', async () => {
    const { open, task, writer, sink: first } = await staged();
    await first.discard();
    const sink = await open.sink.begin({ ...task, carrier: 'text' }, writer);
    await sink.raise();
    await sink.prepare({ fresh: 'start-over' });
    const chunk = await sink.begin({ key: 'k', ordinal: 0, from: null, to: null });
    if (chunk === 'done') throw new Error('not done yet');
    for (let row = 0; row < 50_000; row++) if (!chunk.to.write(Buffer.from(`"${row}"\n`))) await chunk.to.drained();
    await chunk.abort(new Error('the source is gone'));
    expect(await readdir(join(folder.root, 'out'))).toEqual([]);
  });

  it('refuses to append or merge by name', async () => {
    const { sink, publish } = await staged();
    for (const how of ['append', 'upsert', 'swap'] as const) {
      await expect(sink.publish({ ...publish, how }, { rows: 2, digest: { kind: 'text-md5', rows: 2, a: '0', b: '0' } })).rejects.toMatchObject({ code: 'request.unsupported' });
    }
  });

  it('writes CSV that is gzipped where its name says so', async () => {
    await folder.write('t.csv', 'id\n1\n');
    await move('t.csv', 'u.csv.gz');
    expect(gunzipSync(await readFile(join(folder.root, 'u.csv.gz'))).toString()).toBe('id\n1\n');
  });
});
