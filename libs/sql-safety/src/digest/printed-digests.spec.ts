import { afterAll, describe, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identifier } from '../ident/identifier.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { compile } from '../tag/safe-sql.ts';
import { Pinned } from '../testing/pinned.ts';
import type { DigestColumn } from './digest-column.ts';
import { mysqlDiffering, mysqlDigest, mysqlSampled } from './mysql-digest.ts';
import { type Differing, duckDiffering, duckDigest, duckSampled, postgresDiffering, postgresDigest, postgresSampled, rowDigest } from './row-digest.ts';
import { sparkDigest } from './spark-digest.ts';
import { sqliteConcat, sqliteRowText } from './sqlite-row-text.ts';

const file = join(import.meta.dirname, 'printed-digests.json');
/** After the suites that compare digests over real engines are green: `row-digest.int-spec.ts` and those of the connectors. */
const isWriting = process.env['ETL_TEST_WRITE'] === '1';
const pinned = new Pinned(readFileSync(file, 'utf8'), { isWriting });
afterAll(() => { if (isWriting) writeFileSync(file, pinned.text); });

const types: Readonly<Record<string, ColumnType>> = { whole: { kind: 'i16' }, int: { kind: 'i32' }, long: { kind: 'i64' }, single: { kind: 'f32' }, double: { kind: 'f64' }, decimal: { kind: 'dec', precision: 12, scale: 2 }, fraction: { kind: 'dec', precision: 2, scale: 2 }, endless: { kind: 'dec' }, text: { kind: 'text' }, flag: { kind: 'bool' }, day: { kind: 'date' }, at: { kind: 'ts' }, instant: { kind: 'tstz' }, time: { kind: 'time' }, bytes: { kind: 'bytes' }, document: { kind: 'json' }, mood: { kind: 'other', labels: ['a', 'b'] } };
const columns: readonly DigestColumn[] = Object.entries(types).map(([name, type]) => ({ name, type }));
const told = (work: () => SqlFragment<'duckdb' | 'postgres' | 'spark' | 'mysql' | 'sqlite'>): unknown => { try { const { text, params } = compile(work()); return [text, params]; } catch (error) { return String(error); } };
const [duck, pg, spark, my, lite] = [sqlFor('duckdb'), sqlFor('postgres'), sqlFor('spark'), sqlFor('mysql'), sqlFor('sqlite')];
const [first] = columns;
const buckets = (some: readonly DigestColumn[]): readonly Differing[] => [{ columns: some, keys: [0], key: 'k', of: 'buckets' }, { columns: some, keys: [0, some.length - 1], key: 'k', of: { buckets: ['0a1', 'fff'], limit: 7 } }];

describe('digests of rows are printed as they were when the engines told the same', () => {
  it.each([...columns.map((column) => [column.name, [first!, column]] as const), ['all', columns] as const, ['many', Array.from({ length: 150 }, (_, nth) => ({ ...columns[nth % columns.length]!, name: `c${nth}` }))] as const])('%s', (name, some) => {
    const printed = (['utf8', 'other'] as const).map((each) => [told(() => postgresDigest(some, 'k', { from: pg`t`, encoding: each })), told(() => postgresSampled({ columns: some, keys: [0], key: 'k', buckets: [1, 4095], by: each === 'utf8' ? 'md5' : undefined }, { from: pg`t`, encoding: each })), ...buckets(some).map((ask) => told(() => postgresDiffering(ask, { from: pg`t`, encoding: each })))]);
    const [now, kept] = pinned.of(name, [printed, told(() => rowDigest('duckdb', some, 'k')), told(() => rowDigest('postgres', some, 'k')), told(() => duckDigest(some, 'k', duck`t`)), told(() => duckSampled({ columns: some, keys: [0], key: 'k', buckets: [0, 7] }, duck`t`)), ...buckets(some).map((ask) => told(() => duckDiffering(ask, duck`t`))),
      told(() => mysqlDigest(some, 'k', my`t`)), told(() => mysqlSampled({ columns: some, keys: [0], key: 'k', buckets: [0, 7] }, my`t`)), ...buckets(some).map((ask) => told(() => mysqlDiffering(ask, my`t`))), told(() => sparkDigest(some, 'k', spark`t`)), told(() => sqliteRowText(some.map(({ name: each, type }) => ({ value: lite`${identifier(each)}`, type })), 'k'))]);
    expect(now).toBe(kept);
  });
  it.each([1, 500, 501, 1_200])('%s parts of a text in SQLite', (count) => {
    const text = compile(sqliteConcat(Array.from({ length: count }, () => lite`x`))).text;
    expect([...text.matchAll(/concat\(([^()]*)\)/g)].every(([, inner]) => inner!.split(', ').length <= 500)).toBe(true);
    expect(text.split('x').length - 1).toBe(count);
    expect(compile(joinSql([lite`x`], lite`, `)).text).toBe('x');
  });
  it('and nothing is kept that is gone', () => { expect(pinned.unasked).toEqual([]); });
});
