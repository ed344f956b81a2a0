import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Pipeline } from '@agent-etl/contracts';
import { between, copy, failureOf, fresh, inShop, inWarehouse } from '../steps.ts';
import type { World } from '../world.ts';

const orders = `select n, case n % 5 when 0 then null else 'C' || n % 4 end, n * 1.25 from generate_series(1, 1000) as n`;
const customers = [['C0', 'Évora'], ['C1', 'N,A'], ['C2', 'north'], ['C9', 'nobody']] as const;
const csv = `code,region\n${customers.map(([code, region]) => `${code},"${region}"`).join('\n')}\n`;

export function joins(world: () => World): void {
  /** Orders in the shop, and customers in the shop and in a file. */
  const ground = async (): Promise<{ table: string; people: string; file: string }> => {
    const [table, people] = [fresh('orders'), fresh('customers')];
    await inShop(world(), `create table ${table} (id bigint primary key, customer text, total numeric(12,2)); insert into ${table} ${orders};
      create table ${people} (code text, region text); insert into ${people} values ${customers.map(([code, region]) => `('${code}', '${region}')`).join(', ')}`);
    await writeFile(join(world().folder, `${people}.csv`), csv);
    return { table, people, file: `files:${people}.csv` };
  };
  const joined = (right: string, more: object = {}): Pipeline['steps'] => [{ filter: 'id > 10' }, { join: { right, kind: 'left', on: { customer: 'code' }, take: { region: 'region' }, ...more } }];
  const counted = { left: 990, right: 4, out: 990, matched: 594, unmatched: 396, rightUnmatched: 1, most: 1 };

  it('joins two tables of one connection where they lie', async () => {
    const { table, people } = await ground();
    const run = await copy(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), steps: joined(`shop.public.${people}`) });
    expect(run.receipt).toMatchObject({ reconciled: true, level: 'full', read: 1000, filtered: 10, rejected: 0, joined: 990, written: 990, combined: [{ with: `shop:public.${people}`, kind: 'left', ...counted }] });
    const digest = 'select count(*), md5(string_agg(t::text, \'|\' order by id)) as digest from';
    expect(await inWarehouse(world(), `${digest} mart.${table} as t`)).toEqual(await inShop(world(), `${digest} (select id, customer, total, region from ${table} left join ${people} on customer = code where id > 10) as t`));
  });
  it('means the same wherever the datasets lie', async () => {
    const { table, people, file } = await ground();
    await copy(world(), between(`shop|public.${table}`, `files|${table}.parquet`));
    const lines = async (name: string): Promise<string[]> => (await readFile(join(world().folder, name), 'utf8')).split('\n').sort();
    const [behind, mixed, files] = [
      await copy(world(), { ...between(`shop|public.${table}`, `files|${table}_a.csv`), steps: joined(`shop.public.${people}`) }), await copy(world(), { ...between(`shop|public.${table}`, `files|${table}_b.csv`), steps: joined(file) }),
      await copy(world(), { ...between(`files|${table}.parquet`, `files|${table}_c.csv`), steps: joined(file) })];
    for (const run of [mixed, files]) expect(run.receipt).toMatchObject({ sourceDigest: behind.receipt?.sourceDigest, read: 1000, filtered: 10, joined: 990, written: 990, combined: [{ with: file, ...counted }] });
    expect(await lines(`${table}_b.csv`)).toEqual(await lines(`${table}_a.csv`));
    expect(await lines(`${table}_c.csv`)).toEqual(await lines(`${table}_a.csv`));
  });
  it('keeps what neither side finds, from a file to a table', async () => {
    const { table, people } = await ground();
    const back = await copy(world(), { ...between(`files|${people}.csv`, `warehouse|mart.${people}`), steps: [{ join: { right: `shop.public.${table}`, kind: 'full', on: { code: 'customer' }, take: { id: 'id', total: 'total' } } }] });
    expect(back.receipt).toMatchObject({ read: 4, joined: 4, written: 1001, combined: [{ left: 4, right: 1000, matched: 3, unmatched: 1, rightUnmatched: 400, most: 200, out: 1001 }] });
  });
  it('puts datasets behind each other, by the names of their columns', async () => {
    const { table, people, file } = await ground();
    const run = await copy(world(), { ...between(`shop|public.${people}`, `warehouse|mart.${table}`), steps: [{ union: { with: [file, `shop.public.${people}`], distinct: true } }, { join: { right: file, kind: 'semi', on: { code: 'code' } } }] });
    expect(run.receipt).toMatchObject({ read: 4, joined: 4, written: 4, combined: [{ kind: 'union', left: 4, right: 8, out: 4 }, { kind: 'semi', left: 4, out: 4 }] });
    const all = await copy(world(), { ...between(`shop|public.${people}`, `files|${table}.csv`), steps: [{ rename: { region: 'area' } }, { union: { with: [file] } }] });
    expect(all.receipt).toMatchObject({ joined: 4, written: 8 });
    expect((await readFile(join(world().folder, `${table}.csv`), 'utf8')).split('\n').slice(0, 1)).toEqual(['code,area,region']);
  });
  it('stops before anything is written when a row finds several, or none where it must find one', async () => {
    const { table, people, file } = await ground();
    await writeFile(join(world().folder, `${people}.csv`), `${csv}C2,south\n`);
    const into = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    const twice = await failureOf(world(), { ...into, steps: joined(file) });
    expect(twice).toMatchObject({ code: 'data.join-multiplies', text: expect.stringContaining(file) as unknown, cell: { column: 'customer', value: 'C2', target: file } });
    const lookup = { dim: file, on: { customer: 'code' }, take: { region: 'region' } };
    expect((await failureOf(world(), { ...into, steps: [{ lookup }] })).code).toBe('data.join-multiplies');
    expect(await failureOf(world(), { ...into, steps: [{ filter: 'customer is not null' }, { lookup: { ...lookup, prefer: [{ column: 'region', dir: 'desc' }], onMiss: 'fail' } }] })).toMatchObject({ code: 'data.join-missed', cell: { column: 'customer', value: 'C3' } });
    expect(await inWarehouse(world(), `select to_regclass('mart.${table}') as there`)).toEqual([{ there: null }]);
    const preferred = await copy(world(), { ...into, steps: [{ lookup: { ...lookup, prefer: [{ column: 'region', dir: 'desc' }], onMiss: 'drop' } }] });
    expect(preferred.receipt).toMatchObject({ read: 1000, joined: 1000, written: 600 });
    expect(await inWarehouse(world(), `select count(*)::int as n, min(region) as region from mart.${table} where customer = 'C2'`)).toEqual([{ n: 200, region: 'south' }]);
    const many = await copy(world(), { ...between(`shop|public.${table}`, `files|${table}_many.csv`), steps: joined(file, { matches: 'many' }) });
    expect(many.receipt).toMatchObject({ joined: 990, combined: [{ most: 2, out: 990 + 198 }] });
  });
  it.each([
    ['a name that is there', { join: { right: 'FILE', on: { customer: 'code' }, take: { total: 'region' } } }, 'STEP_COLUMN_CLASH', '/pipeline/steps/0/join'],
    ['a column that the other dataset has not', { join: { right: 'FILE', on: { customer: 'code' }, take: { region: 'regoin' } } }, 'SQL_COLUMN', '/pipeline/steps/0/join'],
    ['keys of two kinds', { join: { right: 'FILE', on: { id: 'code' } } }, 'SQL_TYPE', '/pipeline/steps/0/join'],
    ['columns from a semi join', { join: { right: 'FILE', kind: 'semi' as const, on: { customer: 'code' }, take: { region: 'region' } } }, 'STEP_COLUMN_CLASH', '/pipeline/steps/0/join'],
  ])('refuses %s, and says where', async (_, step, code, path) => {
    const { table, file } = await ground();
    const steps = [{ join: { ...step.join, right: file } }];
    const failure = await failureOf(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), steps });
    expect([failure.code, failure.issues?.map((issue) => [issue.code, issue.path])]).toEqual(['sql.rejected', [[code, path]]]);
  });
  it('refuses a dataset that is not there, a connection that nobody has, and the target itself', async () => {
    const { table, people } = await ground();
    const into = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    expect((await failureOf(world(), { ...into, steps: joined(`files:${people}x.csv`) })).code).toBe('source.not-found');
    expect((await failureOf(world(), { ...into, steps: joined('nowhere:x.csv') })).code).toBe('access.not-found');
    await copy(world(), { ...between(`shop|public.${people}`, `warehouse|mart.${table}`) });
    expect((await failureOf(world(), { ...into, to: { ...into.to, load: 'replace' }, steps: [{ join: { right: `warehouse.mart.${table}`, kind: 'anti', on: { customer: 'code' } } }] })).code).toBe('plan.refused');
  });
}
