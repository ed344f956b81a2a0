import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile, identifier, typeName } from '@agent-etl/sql-safety';
import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellPattern, fittingCell, strictCast } from './csv-cell-sql.ts';
import { countsOf } from './csv-profile.ts';
import { cast, listOf, literalText, sql } from './duck-sql.ts';
import { duckTypeOf } from './file-types-rules.ts';

let scratch: string;
let duck: DuckChild;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'etl-cells-'));
  duck = await DuckChild.start({ about: 'cells', scratch, files: [] });
});
afterAll(async () => { await duck.stop(); await rm(scratch, { recursive: true, force: true }); });

const x = sql`${identifier('x')}`;
const given = (texts: readonly string[]) => sql`(SELECT unnest([${listOf(texts.map(literalText))}]) AS x) AS given`;
/** Texts that are nearly of a kind: what a person, a spreadsheet or another engine would write. */
const nearly = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789.-+eE_ \tx'), minLength: 1, maxLength: 12 }), fc.integer().map(String), fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String), fc.double().map(String),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.stringMatching(/^\d{0,4}$/)).map(([whole, part]) => `${whole}.${part}`),
  fc.tuple(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }), fc.constantFrom('-', '/'), fc.constantFrom('', ' ', ' 10:00', ' 10:00:00', 'T23:59:59.5', ' 24:00:00', ' (BC)', ' 10:00:00+02'))
    .map(([year, month, day, by, more]) => `${String(year).padStart(4, '0')}${by}${String(month).padStart(2, '0')}${by}${String(day).padStart(2, '0')}${more}`),
  fc.constantFrom('infinity', '-infinity', '-0', '0001-01-01 (BC)', '1e3', '0x10', 'true'),
);
const kinds: ColumnType[] = [{ kind: 'i16' }, { kind: 'i32' }, { kind: 'i64' }, { kind: 'dec', precision: 9, scale: 2 }, { kind: 'dec', precision: 18, scale: 0 }, { kind: 'date' }, { kind: 'ts' }];

describe('a cell', () => {
  it.each(kinds)('is $kind ($scale) where its whole text has the pattern and a value, whichever branch looks at it', async (type) => {
    const pattern = new RegExp(`^(?:${cellPattern(type)})$`);
    await fc.assert(fc.asyncProperty(fc.array(nearly, { minLength: 50, maxLength: 200 }), async (texts) => {
      const strict = sql`CAST(${strictCast(x, 'x', type)} AS VARCHAR) AS strict`;
      const rows = await duck.query(compile(sql`SELECT x, CAST(${fittingCell(x, { source: 'x', type }, 'null')} AS VARCHAR) AS fitting, ${cast(sql`TRY_CAST(x AS ${typeName('duckdb', duckTypeOf(type))})`, 'VARCHAR')} AS plain FROM ${given(texts)}`));
      const wanted = rows.map((row) => (pattern.test(String(row['x'])) ? row['plain'] : null));
      expect(rows.map((row, index) => [row['x'], row['fitting'], wanted[index]])).toEqual(rows.map((row, index) => [row['x'], wanted[index], wanted[index]]));
      const fit = rows.flatMap((row) => (row['fitting'] === null ? [] : [row]));
      if (fit.length) expect((await duck.query(compile(sql`SELECT ${strict} FROM ${given(fit.map((row) => String(row['x'])))}`))).map((row) => row['strict'])).toEqual(fit.map((row) => row['fitting']));
      const misfit = rows.find((row) => row['fitting'] === null);
      if (misfit) await expect(duck.query(compile(sql`SELECT ${strict} FROM ${given([String(misfit['x'])])}`))).rejects.toMatchObject({ code: 'data.value-out-of-range' });
    }), { numRuns: 20 });
  });
});

describe('what is counted of a number', () => {
  it('is what its text says', async () => {
    const number = fc.tuple(fc.constantFrom('', '', '-', '+'), fc.stringMatching(/^(0|[0-9]{1,22})$/), fc.constantFrom('', '.'), fc.stringMatching(/^\d{0,20}$/), fc.constantFrom('', '', 'e5', 'E-3')).map((parts) => parts.join(''));
    await fc.assert(fc.asyncProperty(fc.array(number, { minLength: 20, maxLength: 100 }), async (texts) => {
      const { integers, numbers, zeroLed, wholeDigits, fractionDigits, exponents } = countsOf(x);
      const rows = await duck.query(compile(sql`SELECT x, ${integers} AS integers, ${numbers} AS numbers, ${zeroLed} AS zero, ${wholeDigits} AS whole, ${fractionDigits} AS fraction, ${exponents} AS exponents FROM ${given([...new Set(texts)])} GROUP BY x`));
      for (const row of rows) {
        const text = String(row['x']);
        const plain = text.replace(/^[+-]+/, '');
        const [whole = '', fraction = ''] = plain.split('.');
        const wanted = [/^-?(0|[1-9]\d*)$/.test(text), true, /^0\d/.test(plain), whole.length, fraction.length, /e/i.test(text)].map(Number);
        expect([text, ...['integers', 'numbers', 'zero', 'whole', 'fraction', 'exponents'].map((name) => Number(row[name]))]).toEqual([text, ...wanted]);
      }
    }), { numRuns: 20 });
  });
});
