import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aStateDatabase, describePostgres, type TestState } from '@agent-etl/persistence/testing';
import fc from 'fast-check';
import { workerSchema } from '../testing/a-worker.ts';
import { ACursorCopy } from '../testing/a-cursor-copy.ts';

/** Values that an equality or a NULL may get wrong, as SQL. */
const floats = ['NULL', `'NaN'`, `'-0'`, '0', `'Infinity'`, '1.5'];
const numerics = ['NULL', `'NaN'`, '1', '1.0', '1.00'];
const texts = ['NULL', `''`, `'a'`, `'A'`, `'é'`];
const row = fc.record({ id: fc.integer({ min: 1, max: 6 }), f: fc.constantFrom(...floats), n: fc.constantFrom(...numerics), v: fc.constantFrom(...texts) });
/** What the source holds before each run: any rows, so that from one to the next some are new, some changed, some gone and some as they were; every second state twice. */
const states = fc.array(fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 6 }), { minLength: 2, maxLength: 4 }).map((sequence) => sequence.flatMap((state, nth) => (nth % 2 === 1 ? [state, state] : [state])));

describePostgres('a target that follows its source', () => {
  let database: TestState;
  let made = 0;
  beforeAll(async () => { database = await aStateDatabase('load_modes_property', [workerSchema]); }, 60_000);
  afterAll(() => database?.drop());

  const withCopy = async (work: (copy: ACursorCopy, become: (rows: readonly { id: number; f: string; n: string; v: string }[]) => Promise<string[]>) => Promise<void>): Promise<void> => {
    const copy = await ACursorCopy.open(database.adminUrl, `follows_${made += 1}`);
    try {
      await copy.db.query(`create schema if not exists mart; create table ${copy.name} (id int primary key, f float8, n numeric, v text)`);
      await work(copy, async (rows) => {
        await copy.db.query(`truncate ${copy.name}; ${rows.map(({ id, f, n, v }) => `insert into ${copy.name} values (${id}, ${f}, ${n}, ${v})`).join('; ')}`);
        return asText(copy, `public.${copy.name}`);
      });
    } finally {
      await copy.close();
    }
  };
  const asText = async (copy: ACursorCopy, from: string): Promise<string[]> => (await copy.db.query<{ r: string }>(`select row(id, f, n, v)::text as r from ${from} order by id`)).rows.map(({ r }) => r);

  it('is the source after each merge', async () => {
    await fc.assert(fc.asyncProperty(states, (sequence) => withCopy(async (copy, become) => {
      for (const state of sequence) {
        const wanted = await become(state);
        const { publish } = await copy.run(await copy.plan({ to: { load: 'merge', deletes: { atMost: '100%' } } }));
        expect(await asText(copy, `mart.${copy.name}`)).toEqual(wanted);
        expect(publish.published + (publish.unchanged ?? 0)).toBe(state.length);
      }
    })), { numRuns: 12, seed: 7 });
  }, 120_000);

  it('holds every state of the source as it was at each run, and the last one as current', async () => {
    await fc.assert(fc.asyncProperty(states, (sequence) => withCopy(async (copy, become) => {
      const history: { asOf: string; state: string[] }[] = [];
      for (const [nth, state] of sequence.entries()) {
        const wanted = await become(state);
        // A clock that does not move, or goes back, must not blur two runs.
        const began = new Date(Date.UTC(2030, 0, 1) - (nth % 5 === 4 ? 1000 : 0)).toISOString();
        const { publish } = await copy.run(await copy.plan({ to: { load: 'scd2', deletes: { atMost: '100%' } } }), undefined, began);
        history.push({ asOf: publish.asOf!, state: wanted });
        expect(await asText(copy, `mart.${copy.name} where is_current`)).toEqual(wanted);
        for (const { asOf, state: then } of history) expect(await asText(copy, `mart.${copy.name} where valid_from <= '${asOf}' and (valid_to is null or valid_to > '${asOf}')`)).toEqual(then);
      }
      const { rows: [odd] } = await copy.db.query<{ n: string }>(`select count(*) as n from mart.${copy.name} where (valid_to is null) <> is_current or valid_to <= valid_from`);
      expect(odd?.n).toBe('0');
    })), { numRuns: 12, seed: 11 });
  }, 120_000);
});
