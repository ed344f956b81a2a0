import { describe, expect, it } from '@jest/globals';
import { sqlLines } from './sql-lines.ts';

const folded = (text: string): string => text.replaceAll(/\s+/g, '');
const nested = `WITH "a" AS (SELECT "t"."x" AS "x", count(*) AS "n" FROM "t" AS "t" GROUP BY "t"."x") SELECT "a"."x" AS "x", lag("a"."n") OVER (PARTITION BY "a"."x" ORDER BY "a"."n" ASC) AS "l" FROM "a" AS "a" LEFT JOIN "b" AS "b" ON ("a"."x" = "b"."x") WHERE EXISTS (SELECT 1 FROM "c" AS "c") ORDER BY "a"."x" ASC`;

describe('a query over several lines', () => {
  it('has one for each clause and column, and what stands in a query inside it', () => {
    expect(sqlLines(nested)).toEqual([
      'WITH "a" AS (', '  SELECT "t"."x" AS "x",', '    count(*) AS "n"', '  FROM "t" AS "t"', '  GROUP BY "t"."x")', 'SELECT "a"."x" AS "x",', '  lag("a"."n") OVER (PARTITION BY "a"."x" ORDER BY "a"."n" ASC) AS "l"', 'FROM "a" AS "a"', 'LEFT JOIN "b" AS "b" ON ("a"."x" = "b"."x")', 'WHERE EXISTS (', '  SELECT 1', '  FROM "c" AS "c")', 'ORDER BY "a"."x" ASC']);
    expect(folded(sqlLines(nested).join('\n'))).toBe(folded(nested));
  });
  it.each([`SELECT ' FROM x, (SELECT ' AS "a FROM b, c""d"`, `SELECT 'it''s, FROM' AS "x"`, `SELECT E'a\\\\, FROM ''' AS "x"`])('breaks no text and no name: %s', (text) => { expect(sqlLines(text)).toEqual([text]); });
});
