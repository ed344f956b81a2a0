import { describe, expect, it } from '@jest/globals';
import { PipelineName } from '@agent-etl/contracts';
import { derivePipeline, nameOf } from './derive-pipeline.ts';
import { parseAddress } from './parse-address.ts';

const around = { cwd: '/home/me', env: { HOME: '/home/me', SHOP_URL: 'postgres://etl:canary-4711@db.internal:6432/shop?sslmode=require', LOOP: 'env:LOOP' } };

describe('parseAddress', () => {
  it.each([
    ['pipelines/orders.yaml', { kind: 'pipeline-file', path: 'pipelines/orders.yaml' }],
    ['orders_daily', { kind: 'name', name: 'orders_daily' }],
    ['shop.public.orders', { kind: 'dataset', connection: 'shop', dataset: 'public.orders' }],
    ['shop.public.Order Items', { kind: 'dataset', connection: 'shop', dataset: 'public.Order Items' }],
    ['lake:in/orders.csv.gz', { kind: 'dataset', connection: 'lake', dataset: 'in/orders.csv.gz' }],
    ['./orders.parquet', { kind: 'file', path: './orders.parquet' }],
    ['/data/orders.csv', { kind: 'file', path: '/data/orders.csv' }],
    ['orders.csv', { kind: 'file', path: 'orders.csv' }], ['movies.json', { kind: 'file', path: 'movies.json' }], ['log.ndjson.zst', { kind: 'file', path: 'log.ndjson.zst' }],
    ['file:///data/my%20orders.csv', { kind: 'file', path: '/data/my orders.csv' }],
    ['sqlite:./shop.db', { kind: 'sqlite', path: './shop.db', table: null }],
    ['sqlite:///data/my%20shop.db?table=order items', { kind: 'sqlite', path: '/data/my shop.db', table: 'order items' }],
    ['env:SHOP_URL', { kind: 'environment', variable: 'SHOP_URL' }],
  ])('reads %s', (text, address) => { expect(parseAddress(text)).toEqual(address); });
  it('reads a postgres address with everything in it', () => {
    expect(parseAddress('postgresql://etl:p%40ss@[::1]:6432/shop?table=public.orders&sslmode=verify-ca')).toEqual(
      { kind: 'postgres', host: '::1', port: 6432, database: 'shop', user: 'etl', password: 'p@ss', tls: 'verify-full', table: 'public.orders' });
  });
  it('reads a mysql address, also one that says mariadb', () => {
    const read = { kind: 'mysql', host: 'db', port: 3306, database: 'shop', user: 'etl', password: null, tls: null, table: 'orders' };
    expect(['mysql://etl@db/shop?table=orders', 'mariadb://etl@db/shop?table=orders'].map(parseAddress)).toEqual([read, read]);
  });
  it.each(['s3://bucket/x', 'Orders', '', 'env:', 'file://host/x', 'sqlite:', 'sqlite:./folder/', 'postgres://etl:canary-4711@/'])('refuses %j without repeating a password', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ name: 'WrongUse', message: expect.not.stringContaining('canary') as unknown }));
  });
});
describe('derivePipeline', () => {
  it.each([['./events/', 'events/', '/work'], ['/data/lake/events/**/*.csv.gz', 'events/**/*.csv.gz', '/data/lake'], ['events.csv', 'events.csv', '/work']])('leaves %s the name that makes its files one dataset', (from, dataset, folder) => {
    const { pipeline, connections } = derivePipeline({ from, to: '/out/a.parquet' }, { ...around, cwd: '/work' });
    expect([pipeline.from.dataset, connections.map((each) => each.folder)]).toEqual([dataset, expect.arrayContaining([folder])]);
  });
  it('makes a pipeline and its connections of two addresses, the password apart', () => {
    const { pipeline, connections, hints } = derivePipeline({ from: 'env:SHOP_URL', to: './orders.parquet', table: 'public.orders' }, around);
    expect([pipeline.from.dataset, pipeline.to.dataset]).toEqual(['public.orders', 'orders.parquet']);
    expect(PipelineName.safeParse(pipeline.name).success).toBe(true);
    expect(connections.map(({ spec, folder }) => [spec, folder])).toEqual([
      [{ connector: 'postgres', host: 'db.internal', port: 6432, database: 'shop', user: 'etl', tls: 'require' }, null], [{ connector: 'file', root: '/home/me' }, '/home/me']]);
    expect(connections[0]?.password).toBe('canary-4711');
    expect(JSON.stringify([pipeline, connections.map(({ spec, name }) => [spec, name]), hints])).not.toContain('canary');
  });
  it('gives equal names to equal addresses and other names to other ones', () => {
    const name = (from: string): string => derivePipeline({ from, to: './a.parquet', table: 't' }, around).pipeline.name;
    expect(name('postgres://u@h/shop')).toBe(name('postgres://u@h/shop'));
    expect(name('postgres://u@h/shop')).not.toBe(name('postgres://u@other/shop'));
  });
  it('takes the table of the source for a target that names none', () => {
    expect(derivePipeline({ from: 'shop.public.orders', to: 'postgres://u@h/w' }, around).pipeline.to.dataset).toBe('public.orders');
  });
  it('makes a connection of a database file, and takes its table along both ways', () => {
    const made = (from: string, to: string, table?: string) => derivePipeline({ from, to, table }, around);
    const { pipeline, connections } = made('sqlite:./shop.db', 'postgres://u@h/w', 'orders');
    expect([pipeline.from.dataset, pipeline.to.dataset, connections[0]?.spec, connections[0]?.folder]).toEqual(['orders', 'orders', { connector: 'sqlite', root: '/home/me', file: 'shop.db' }, '/home/me']);
    expect(made('sqlite:./shop.db?table=orders', 'postgres://u@h/w').pipeline.to.dataset).toBe('public.orders');
    expect(made('postgres://u@h/shop?table=public.orders', 'sqlite:/data/w.db').pipeline.to.dataset).toBe('orders');
    expect(made('mysql://u@h/shop?table=orders', 'postgres://u@h/w').pipeline.to.dataset).toBe('public.orders');
    expect(() => made('sqlite:./shop.db', './x.csv')).toThrow('Which table');
  });
  it('points from a typed password to the env: form', () => {
    expect(derivePipeline({ from: 'postgres://u:canary-4711@h/shop?table=a.b', to: './x.csv' }, around).hints).toEqual([expect.stringMatching(/env:SHOP_URL$/)]);
  });
  it.each([['postgres://u@h/shop', 'Which table'], ['env:NOPE', 'not set'], ['env:LOOP', 'another variable'], ['orders_daily', 'names no dataset']])('asks for what %s lacks', (from, sentence) => {
    expect(() => derivePipeline({ from, to: './x.csv' }, around)).toThrow(sentence);
  });
  it('keeps long names apart', () => {
    const long = 'a'.repeat(80);
    expect(nameOf(`${long}1`)).not.toBe(nameOf(`${long}2`));
    expect(nameOf('3 Größen')).toBe('x_3_gr_en');
  });
});
