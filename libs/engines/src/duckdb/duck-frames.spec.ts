import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type SafeSql, compile, literal, sqlFor } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckChild } from './duck-child.ts';
import { FifoTap, makeFifo } from './fifo.ts';

const sql = sqlFor('duckdb');
const text = (value: string) => literal('duckdb', value);
let scratch: string;
let child: DuckChild;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'duck-frames-')); });
afterEach(async () => { await child.stop(); });
afterAll(async () => { await rm(scratch, { recursive: true }); });

interface Taken { readonly rows: number; readonly bytes: Buffer }
/** Rows of a statement as they come out of the FIFO; `slow` waits before each part. */
async function framesOf(statement: SafeSql<'duckdb'>, wires: readonly string[], { signal, slow = async () => undefined, onRows }: { signal?: AbortSignal; slow?: () => Promise<void>; onRows?: (rows: number) => void } = {}): Promise<Taken> {
  child = await DuckChild.start({ about: 'x.parquet', scratch });
  const fifo = await makeFifo(child.folder, 'out');
  const tap = new FifoTap(fifo);
  const parts: Buffer[] = [];
  const pumped = tap.pump({ write: (bytes) => { parts.push(Buffer.from(bytes)); return false; }, drained: slow }, () => undefined);
  pumped.catch(() => undefined);
  const rows = await child.frames(statement, { to: fifo, wires, ...(signal ? { signal } : {}), ...(onRows ? { onRows } : {}) }).catch((error: unknown) => { tap.destroy(); throw error; });
  tap.release();
  await pumped;
  return { rows, bytes: Buffer.concat(parts) };
}
/** The content of the messages, each of which must be one of CopyData. */
function contentOf(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
    expect(bytes[at]).toBe(0x64);
    parts.push(bytes.subarray(at + 5, at + 1 + bytes.readInt32BE(at + 1)));
  }
  return Buffer.concat(parts);
}
/** Rows of a binary COPY as bytes of values, read as the PostgreSQL manual describes the format. */
function rowsOf(bytes: Buffer): (Buffer | null)[][] {
  const content = contentOf(bytes);
  expect(content.subarray(0, 19).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0');
  const rows: (Buffer | null)[][] = [];
  let at = 19;
  for (let columns = content.readInt16BE(at); columns >= 0; columns = content.readInt16BE(at)) {
    at += 2;
    rows.push(Array.from({ length: columns }, () => {
      const length = content.readInt32BE(at);
      at += 4 + Math.max(length, 0);
      return length < 0 ? null : Buffer.from(content.subarray(at - length, at));
    }));
  }
  expect(content.length).toBe(at + 2);
  return rows;
}

describe('frames of a DuckDB child', () => {
  it('hold each value as the binary COPY of PostgreSQL has it, NULLs too', async () => {
    const { rows, bytes } = await framesOf(compile(sql`SELECT CAST(-2 AS SMALLINT), CAST(-2 AS INTEGER), CAST(-2 AS BIGINT), true, CAST(1.5 AS FLOAT), CAST(-0.5 AS DOUBLE), CAST(-12345.6789 AS DECIMAL(12,5)),
      ${text('é, short')}, ${text('longer than twelve bytes')}, CAST(${text('{}')} AS VARCHAR), CAST(${text('2000-01-02')} AS DATE), CAST(${text('1999-12-31 23:59:59.999999')} AS TIMESTAMP),
      CAST(${text('00:00:01')} AS TIME), CAST(${text('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')} AS UUID), from_hex(${text('00ff')}), CAST(NULL AS INTEGER)`),
    ['smallint', 'integer', 'bigint', 'boolean', 'real', 'double precision', 'numeric', 'text', 'text', 'jsonb', 'date', 'timestamp', 'time', 'uuid', 'bytea', 'integer']);
    expect(rows).toBe(1);
    expect(rowsOf(bytes)[0]?.map((value) => value && value.toString('hex'))).toEqual(['fffe', 'fffffffe', 'fffffffffffffffe', '01', '3fc00000', 'bfe0000000000000', '000400014000000500010929' + '1a85' + '0000',
      Buffer.from('é, short').toString('hex'), Buffer.from('longer than twelve bytes').toString('hex'), `01${Buffer.from('{}').toString('hex')}`, '00000001', 'ffffffffffffffff',
      '00000000000f4240', 'a0eebc999c0b4ef8bb6d6bb9bd380a11', '00ff', null]);
  });

  it('hold every row of a long result once, whatever lies where in memory', async () => {
    const { rows, bytes } = await framesOf(compile(sql`SELECT range, CASE WHEN range % 3 = 0 THEN NULL ELSE repeat(CAST(range AS VARCHAR), CAST(range % 9 AS INTEGER)) END FROM range(100000) ORDER BY hash(range)`), ['bigint', 'text']);
    expect(rows).toBe(100_000);
    const found = rowsOf(bytes);
    expect(found).toHaveLength(100_000);
    expect(new Set(found.map(([id]) => String(id?.readBigInt64BE()))).size).toBe(100_000);
    for (const [id, value] of found) {
      const n = Number(id?.readBigInt64BE());
      if ((value?.toString() ?? null) !== (n % 3 === 0 ? null : String(n).repeat(n % 9))) throw new Error(`row ${n} holds ${value?.toString() ?? 'NULL'}`);
    }
  });

  it('hold rows that are longer than a message', async () => {
    const { bytes } = await framesOf(compile(sql`SELECT range, repeat(${text('é')}, CAST(range AS INTEGER) * 500000) FROM range(4)`), ['bigint', 'text']);
    expect(rowsOf(bytes).map(([, value]) => value?.length).sort((a, b) => Number(a) - Number(b))).toEqual([0, 1_000_000, 2_000_000, 3_000_000]);
  });

  it('are none for no rows, and are refused for a column of another type', async () => {
    expect(rowsOf((await framesOf(compile(sql`SELECT 1 WHERE false`), ['integer'])).bytes)).toEqual([]);
    await child.stop();
    await expect(framesOf(compile(sql`SELECT 1`), ['text'])).rejects.toMatchObject({ code: 'platform.internal' });
    await child.stop();
    await expect(framesOf(compile(sql`SELECT 1`), ['integer', 'integer'])).rejects.toMatchObject({ code: 'platform.internal' });
  });

  it('end with the error of a row that fails in the middle of the stream, and never as if they were complete', async () => {
    const failing = compile(sql`SELECT CAST(CASE WHEN range = 1500000 THEN ${text('x')} ELSE ${text('1')} END AS INTEGER) AS n FROM range(2000000)`);
    await expect(framesOf(failing, ['integer'])).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { value: 'x' } });
  });

  it('stop when the reader does not read and the signal aborts, and say how far they are meanwhile', async () => {
    const stopping = new AbortController();
    const seen: number[] = [];
    const began = performance.now();
    const onRows = (rows: number): void => { seen.push(rows); stopping.abort(new Error('stopped')); };
    await expect(framesOf(compile(sql`SELECT range FROM range(100000000)`), ['bigint'], { signal: stopping.signal, onRows, slow: () => new Promise((resolve) => { setTimeout(resolve, 5); }) })).rejects.toThrow('stopped');
    expect(seen[0]).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('leave the child to the watchdog no less than a COPY does: a reader that is gone ends them', async () => {
    child = await DuckChild.start({ about: 'x.parquet', scratch });
    const fifo = await makeFifo(child.folder, 'out');
    const tap = new FifoTap(fifo);
    const frames = child.frames(compile(sql`SELECT range FROM range(100000000)`), { to: fifo, wires: ['bigint'] });
    setTimeout(() => { tap.destroy(); }, 200);
    await expect(frames).rejects.toMatchObject({ name: 'EtlError' });
  });
});
