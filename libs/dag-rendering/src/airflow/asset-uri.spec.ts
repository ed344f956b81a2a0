import { describe, expect, it } from '@jest/globals';
import { assetName, connectionAddress, datasetUri } from './asset-uri.ts';

describe('connectionAddress', () => {
  const postgres = { connector: 'postgres', host: 'DB.Internal', port: 5433, database: 'shop', user: 'etl', password: 'secret://shop#password' } as const;
  it('says where a server is, without who asks', () => { expect(connectionAddress(postgres)).toBe('postgres://db.internal:5433/shop'); });
  it.each([
    ['a standard port', { ...postgres, port: undefined }, 'postgres://db.internal:5432/shop'],
    ['an IPv6 address', { ...postgres, host: '::1' }, 'postgres://[::1]:5433/shop'],
    ['a database with odd characters', { ...postgres, database: "a/b 'c'" }, 'postgres://db.internal:5433/a%2Fb%20%27c%27'],
    ['an address that is a secret', { connector: 'postgres', url: 'secret://shop#url' } as const, null],
    ['a socket', { ...postgres, host: '/run/postgresql' }, null],
    ['a host that could not be one', { ...postgres, host: 'a@b' }, null],
    ['a folder', { connector: 'file', root: '/data//lake/' } as const, 'file:///data/lake'],
    ['a relative folder', { connector: 'file', root: './data' } as const, null],
    ['a folder that climbs', { connector: 'file', root: '/data/../etc' } as const, null],
  ])('knows %s', (_, spec, address) => { expect(connectionAddress(spec)).toBe(address); });
});

describe('datasetUri', () => {
  it.each([
    ['postgres://h:5432/d', 'public.orders', 'postgres://h:5432/d/public/orders'],
    ['postgres://h:5432/d', 'public."Big.Table"', 'postgres://h:5432/d/public/Big.Table'],
    ['postgres://h:5432/d', 'public."a""b"', 'postgres://h:5432/d/public/a%22b'],
    ['postgres://h:5432/d', 'orders', null],
    ['postgres://h:5432/d', 'a.b.c', null],
    ['postgres://h:5432/d', 'a.', null],
    ['file:///data/lake', 'in/orders.csv', 'file:///data/lake/in/orders.csv'],
    ['file:///data/lake', './a b#1.csv', 'file:///data/lake/a%20b%231.csv'],
    ['file:///data/lake', '../x.csv', null],
  ])('of %s and %s is %s', (address, dataset, uri) => { expect(datasetUri(address, dataset)).toBe(uri); });
});

describe('assetName', () => {
  it('keeps a plain name', () => { expect(assetName('ops', 'public.flights')).toBe('ops.public.flights'); });
  it('tells names apart that look alike in small letters', () => {
    const names = ['public."A b"', 'public."a B"', 'public.a_b'].map((dataset) => assetName('ops', dataset));
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_.]{0,199}$/);
  });
  it('cuts a name of any length to what Airflow shows', () => { expect(assetName('ops', 'x'.repeat(900)).length).toBeLessThanOrEqual(200); });
});
