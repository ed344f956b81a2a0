import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DuckChild } from '@agent-etl/engines';
import { MemorySecretStore } from '@agent-etl/secrets';
import { type ExprDialect, type SafeSql, compile, fuseSteps, identifier, keyPlaces, literal, printTransform, sqlFor } from '@agent-etl/sql-safety';
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresSession } from '../postgres/postgres-session.ts';
import { aDatabase, connectionTo, describeServer, testTools } from '../postgres/testing/postgres-harness.ts';
import { keysIntoDuck, keysIntoPostgres, padsOf } from './mask-keys.ts';

const KEY = 'sixteen bytes and more';
const REF = 'secret://masking#key';
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
/** RFC 4231, cases whose message is a text; 5 is cut to 128 bits there. */
const vectors: readonly (readonly [nth: number, key: Buffer, message: string, mac: string])[] = [
  [1, Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [2, Buffer.from('Jefe'), 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  [5, Buffer.alloc(20, 0x0c), 'Test With Truncation', 'a3b6167473100ee06e0c796c2955552b'],
  [6, Buffer.alloc(131, 0xaa), 'Test Using Larger Than Block-Size Key - Hash Key First', '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
  [7, Buffer.alloc(131, 0xaa), 'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.', '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2'],
];
/** Cases 3 and 4 hold bytes that are no text: the pads are proved with them. */
const ofBytes: readonly (readonly [nth: number, key: Buffer, message: Buffer, mac: string])[] = [
  [3, Buffer.alloc(20, 0xaa), Buffer.alloc(50, 0xdd), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  [4, hex('0102030405060708090a0b0c0d0e0f10111213141516171819'), Buffer.alloc(50, 0xcd), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
];
const { stages } = fuseSteps([{ op: 'mask', column: 'm', method: 'hmac', value: null, key: REF }], new Map([['m', { kind: 'text' as const }]]));
const transform = { input: [{ name: 'm', type: { kind: 'text' as const }, native: 'text', nullable: true }], stages: [...stages] };
const masking = <D extends ExprDialect>(dialect: D, message: string | null): SafeSql<D> => {
  const sql = sqlFor(dialect);
  return compile(printTransform(dialect, transform, { from: sql`(VALUES (${literal(dialect, message)})) AS t(m)`, column: () => sql`t.m` }).rows);
};
const storeOf = (key: string): MemorySecretStore => { const store = new MemorySecretStore(); store.put('masking', { key }); return store; };

describeServer('a mask under a key', (adminUrl) => {
  let scratch: string;
  let drop: () => Promise<void>;
  let postgres: PostgresSession;
  const children: DuckChild[] = [];
  const aChild = async (): Promise<DuckChild> => { const child = await DuckChild.start({ about: 'masks', scratch }); children.push(child); return child; };
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'masks-'));
    drop = await aDatabase(adminUrl, 't_masks');
    postgres = await PostgresSession.connect(connectionTo(adminUrl, 't_masks'), { tools: testTools('masks') });
  });
  afterAll(async () => { await postgres.end(); await Promise.all(children.map((child) => child.stop())); await drop(); await rm(scratch, { recursive: true }); });

  const withPads = async (duck: DuckChild, key: Buffer): Promise<void> => {
    const [places, pads] = [keyPlaces(REF), padsOf(key)];
    for (const side of ['inner', 'outer'] as const) {
      await postgres.run(compile(sqlFor('postgres')`SELECT set_config(${places[side]}, ${pads[side]}, false)`));
      await duck.query(compile(sqlFor('duckdb')`SET VARIABLE ${identifier(places[side])} = ${pads[side]}`));
    }
  };
  const inPostgres = async (message: string | null): Promise<unknown> => (await postgres.run<{ c0: string }>(masking('postgres', message)))[0]?.c0;
  it.each(vectors)('is RFC 4231 case %i in PostgreSQL and in DuckDB', async (_, key, message, mac) => {
    const duck = await aChild();
    await withPads(duck, key);
    const found = [(await duck.query(masking('duckdb', message)))[0]?.['c0'], await inPostgres(message)];
    expect(found.map((value) => String(value).slice(0, mac.length))).toEqual([mac, mac]);
  });
  it.each(ofBytes)('has the pads of RFC 4231 case %i', (_, key, message, mac) => {
    const { inner, outer } = padsOf(key);
    const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
    expect(sha(hex(outer), sha(hex(inner), message)).toString('hex')).toBe(mac);
  });
  it('is that of Node for texts of all kinds, and leaves NULL as it is', async () => {
    const duck = await aChild();
    const secrets = storeOf(KEY);
    await keysIntoDuck(duck, transform, secrets);
    await postgres.run(compile(sqlFor('postgres')`BEGIN`));
    await keysIntoPostgres(postgres, transform, secrets);
    for (const text of ['', 'Straße', "it's", '\u{1F600}', 'x'.repeat(1000), null]) {
      const mac = text === null ? null : createHmac('sha256', KEY).update(text).digest('hex');
      expect([(await duck.query(masking('duckdb', text)))[0]?.['c0'], await inPostgres(text)]).toEqual([mac, mac]);
    }
    await postgres.run(compile(sqlFor('postgres')`COMMIT`));
  });
  it('fails where the key is not known, and the key is not known behind its transaction', async () => {
    const secrets = storeOf(KEY);
    const fresh = await PostgresSession.connect(connectionTo(adminUrl, 't_masks'), { tools: testTools('masks') });
    await fresh.run(compile(sqlFor('postgres')`BEGIN`));
    await keysIntoPostgres(fresh, transform, secrets);
    expect(await fresh.run(masking('postgres', 'x'))).toHaveLength(1);
    await fresh.run(compile(sqlFor('postgres')`COMMIT`));
    // A setting that ended is empty, and so no pad.
    const [left] = await fresh.run<{ left: string }>(compile(sqlFor('postgres')`SELECT current_setting(${keyPlaces(REF).inner}, true) AS left`));
    expect(left?.left).toBe('');
    await expect(fresh.run(masking('postgres', 'x'))).rejects.toThrow();
    await fresh.end();
    await expect((await aChild()).query(masking('duckdb', 'x'))).rejects.toThrow();
  });
  it('has its key in no text of a statement and in no plan of PostgreSQL, and asks for one that is long enough', async () => {
    const duck = await aChild();
    await withPads(duck, Buffer.from(KEY));
    const { inner, outer } = padsOf(Buffer.from(KEY));
    const statement = masking('postgres', 'x');
    const plan = await postgres.run(compile(sqlFor('postgres')`EXPLAIN (VERBOSE, ANALYZE) SELECT * FROM (${printTransform('postgres', transform, { from: sqlFor('postgres')`(SELECT n::text AS m FROM generate_series(1, 3) AS n) AS t`, column: () => sqlFor('postgres')`t.m` }).rows}) AS s`));
    const told = JSON.stringify([statement.text, masking('duckdb', 'x').text, plan, transform]);
    expect([told.includes('InitPlan'), ...[KEY, inner, outer].map((secret) => told.includes(secret))]).toEqual([true, false, false, false]);
    await expect(keysIntoDuck(duck, transform, storeOf('short'))).rejects.toMatchObject({ code: 'secret.not-found', details: { hint: expect.stringContaining('16 bytes') } });
  });
});
