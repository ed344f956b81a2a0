import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { databaseCode, isAway } from './database-errors.ts';
import { PreparingClient } from './preparing-client.ts';
import { describePostgres } from './testing.ts';

describePostgres('a connection that prepares what it sends again', (cluster) => {
  let client: PreparingClient;
  beforeAll(async () => {
    client = new PreparingClient({ connectionString: cluster });
    await client.connect();
    await client.query('create temporary table note (id int, word text)');
    await client.query('insert into note values (1, $1)', ['one']);
  });
  afterAll(() => client.end());

  const noteOf = async (id: number): Promise<unknown[]> => (await client.query('select word from note where id = $1', [id])).rows as unknown[];
  const prepared = async (part: string): Promise<number> => (await client.query<{ n: number }>(`select count(*)::int as n from pg_prepared_statements where statement like '%${part}%'`)).rows[0]!.n;

  it('prepares a text the second time, and once', async () => {
    expect(await noteOf(1)).toEqual([{ word: 'one' }]);
    expect(await prepared('word from note')).toBe(0);
    for (let times = 0; times < 8; times += 1) expect(await noteOf(times)).toEqual(times === 1 ? [{ word: 'one' }] : []);
    expect(await prepared('word from note')).toBe(1);
  });

  it('leaves texts without values as they are, which may be several statements', async () => {
    for (let times = 0; times < 3; times += 1) await client.query('begin; commit');
    expect(await prepared('begin; commit')).toBe(0);
  });

  it('calls back those who ask so', async () => {
    const ask = (): Promise<unknown> => new Promise((done, fail) => { client.query('select $1::int + 1 as n', [1], (error, result) => { if (error) fail(error); else done(result.rows[0]); }); });
    expect([await ask(), await ask(), await ask()]).toEqual([{ n: 2 }, { n: 2 }, { n: 2 }]);
    expect(await prepared('int + 1 as n')).toBe(1);
  });

  it('takes a plan whose columns a migration changed for a server that was away: the next ask is prepared anew', async () => {
    await noteOf(1);
    await client.query('alter table note alter column word type varchar(9)');
    const refused: unknown = await noteOf(1).catch((error: unknown) => error);
    expect([databaseCode(refused), isAway(refused)]).toEqual(['0A000', true]);
    expect([await noteOf(1), await noteOf(1), await noteOf(1)]).toEqual(Array(3).fill([{ word: 'one' }]));
  });

  it('prepares anew what the server has forgotten: after a value that cannot be sent, its driver gives the statement back', async () => {
    const ask = async (value: unknown): Promise<unknown> => (await client.query('select $1::jsonb as odd', [value])).rows[0] as unknown;
    for (let times = 0; times < 3; times += 1) expect(await ask({ n: 1 })).toEqual({ odd: { n: 1 } });
    await expect(ask({ n: 1n })).rejects.toThrow('BigInt');
    const refused: unknown = await ask({ n: 2 }).catch((error: unknown) => error);
    expect([databaseCode(refused), isAway(refused)]).toEqual(['26000', true]);
    expect([await ask({ n: 3 }), await ask({ n: 4 }), await ask({ n: 5 })]).toEqual([{ odd: { n: 3 } }, { odd: { n: 4 } }, { odd: { n: 5 } }]);
  });

  it('prepares what comes again after many texts that did not', async () => {
    for (let nth = 0; nth < 600; nth += 1) await client.query(`select $1::int + ${nth} as lone`, [nth]);
    for (let times = 0; times < 2; times += 1) await client.query('select $1::int as late', [times]);
    expect([await prepared('as lone'), await prepared('as late')]).toEqual([0, 1]);
  });

  it('keeps a bounded number of texts', async () => {
    for (let nth = 0; nth < 600; nth += 1) for (let times = 0; times < 2; times += 1) await client.query(`select $1::int + ${nth} as many`, [nth]);
    expect(await prepared('as many')).toBeLessThanOrEqual(256);
  });
});
