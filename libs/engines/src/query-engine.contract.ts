import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import { type ExprDialect, type SafeSql, type SqlFragment, compile, joinSql, literal, nativeOf, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { QueryEngine } from './query-engine.ts';

/** An engine of a suite. @property slow a statement that takes minutes */
export interface EngineHarness<D extends ExprDialect> { open(): Promise<QueryEngine<D>>; readonly slow: SqlFragment<D>; close(): Promise<void> }

/** Texts that end a literal, begin an escape, a variable, a comment or a name in one dialect or another. */
export const hostileTexts: readonly string[] = ["'", "''", '"', '`', '\\', '\\\\', "\\'", "\\';--", '${env:HOME}', '$\{spark.driver.host}', '$', '$$', '\\u0041', '\\n', '\n', '\r\n', '\t', '\u0001', '\u007f', '%', '_', '\\%', '/* x */', '-- x', ';', ':p1', '?', '$1', '@@x',
  '日本語', '😀', 'é', 'e\u0301', '\u2028', '\u00a0', '', ' ', "x';--${env:HOME}", "' || (SELECT 1) || '", 'a'.repeat(5000), "r'x'", "\\x41", '\\101', '{{x}}', '#{x}'];

/** What every engine keeps, whatever computes behind it. */
export function describeQueryEngine<D extends ExprDialect>(dialect: D, makeHarness: () => Promise<EngineHarness<D>>): void {
  const sql = sqlFor(dialect);
  const text = typeName(dialect, nativeOf(dialect, { kind: 'text' })!);
  const long = typeName(dialect, nativeOf(dialect, { kind: 'i64' })!);
  describe(`${dialect} as a query engine`, () => {
    let harness: EngineHarness<D>;
    let engine: QueryEngine<D>;
    beforeAll(async () => { harness = await makeHarness(); engine = await harness.open(); }, 120_000);
    afterAll(async () => { await engine.stop(); await engine.stop(); await harness.close(); }, 30_000);
    const codeOf = async (statement: SafeSql<D>): Promise<EtlError> => {
      const error: unknown = await engine.query(statement).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(EtlError);
      return error as EtlError;
    };

    it('answers rows by name: NULL, booleans, texts, and numbers whose text is their value', async () => {
      const [row] = await engine.query(compile(sql`SELECT CAST(NULL AS ${text}) AS n, TRUE AS b, 'x' AS t, CAST('9007199254740993' AS ${long}) AS l, CAST('-0.05' AS ${typeName(dialect, nativeOf(dialect, { kind: 'dec', precision: 12, scale: 2 })!)}) AS d`));
      expect(row?.['n']).toBeNull();
      expect(row?.['b']).toBe(true);
      expect([row?.['t'], String(row?.['l']), String(row?.['d'])]).toEqual(['x', '9007199254740993', '-0.05']);
    });
    it('gives every hostile text back, printed and bound', async () => {
      const printed = await engine.query(compile(sql`SELECT ${joinSql(hostileTexts.map((each, index) => sql`CAST(${literal(dialect, each)} AS ${text}) AS ${typeName(dialect, `c${index}`)}`), sql`, `)}`));
      expect(hostileTexts.map((_, index) => printed[0]?.[`c${index}`])).toEqual(hostileTexts);
      const bound = await engine.query(compile(sql`SELECT ${joinSql(hostileTexts.map((each, index) => sql`CAST(${each} AS ${text}) AS ${typeName(dialect, `c${index}`)}`), sql`, `)}`));
      expect(hostileTexts.map((_, index) => bound[0]?.[`c${index}`])).toEqual(hostileTexts);
    });
    it('binds NULL, booleans and numbers of 64 bits', async () => {
      const [row] = await engine.query(compile(sql`SELECT CAST(${9_007_199_254_740_993n} AS ${long}) AS l, CAST(${-7} AS ${long}) AS i, CAST(${null} AS ${text}) AS n, CAST(${true} AS ${typeName(dialect, nativeOf(dialect, { kind: 'bool' })!)}) AS b`));
      expect([String(row?.['l']), String(row?.['i']), row?.['n'], row?.['b']]).toEqual(['9007199254740993', '-7', null, true]);
    });
    it('refuses what was not compiled, and what was compiled for another dialect', async () => {
      const forged = { dialect, text: 'SELECT 1', params: [] } as unknown as SafeSql<D>;
      await expect(engine.query(forged)).rejects.toThrow(TypeError);
      await expect(engine.query(compile(sqlFor('mysql')`SELECT 1`) as unknown as SafeSql<D>)).rejects.toThrow(TypeError);
    });
    it('says by code what a value cannot do, and keeps the value out of its words', async () => {
      const error = await codeOf(compile(sql`SELECT CAST(t AS ${long}) AS n FROM (SELECT CAST(${'secret-value-77'} AS ${text}) AS t) AS x`));
      expect(error.code).toBe('data.value-out-of-range');
      expect(`${error.message} ${error.next ?? ''}`).not.toContain('secret-value-77');
    });
    it('goes on after a statement that failed', async () => {
      await codeOf(compile(sql`SELECT no_such_column AS n`));
      expect(await engine.query(compile(sql`SELECT 1 AS n`))).toHaveLength(1);
    });
    it('ends a long statement when its signal aborts, with the reason of the signal, and goes on', async () => {
      const reason = new Error('enough');
      const aborting = new AbortController();
      const begun = performance.now();
      setTimeout(() => { aborting.abort(reason); }, 500);
      await expect(engine.query(compile(harness.slow), aborting.signal)).rejects.toBe(reason);
      expect(performance.now() - begun).toBeLessThan(10_000);
      const next = await harness.open();
      expect(await next.query(compile(sql`SELECT 1 AS n`))).toHaveLength(1);
      await next.stop();
    }, 30_000);
    it('runs nothing under a signal that has aborted', async () => {
      await expect(engine.query(compile(sql`SELECT 1 AS n`), AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    });
  });
}
