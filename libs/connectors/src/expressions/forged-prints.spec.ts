import { afterAll, describe, expect, it } from '@jest/globals';
import { type ColumnType, EtlError } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type TransformInput, checked, compile, identifier, outputOf, printExpression, printTransform, sqlFor } from '@agent-etl/sql-safety';
import { Pinned } from '@agent-etl/sql-safety/testing';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Forge, ownKinds } from './forge.ts';
import { nextCase, printedCase } from './join-case.ts';
import { JoinForge } from './join-forge.ts';

const file = join(import.meta.dirname, 'forged-prints.json');
/** After `npm run proof -- chains` has shown that the new texts answer alike on both engines. */
const isWriting = process.env['ETL_TEST_WRITE'] === '1';
const pinned = new Pinned(readFileSync(file, 'utf8'), { isWriting });
afterAll(() => { if (isWriting) writeFileSync(file, pinned.text); });

const dialects = ['duckdb', 'postgres', 'spark'] as const satisfies readonly ExprDialect[];
const types = { a: { kind: 'i32' }, b: { kind: 'i64' }, c: { kind: 'dec', precision: 12, scale: 2 }, d: { kind: 'f64' }, e: { kind: 'text' }, f: { kind: 'text' }, g: { kind: 'bool' }, h: { kind: 'date' }, i: { kind: 'ts' }, j: { kind: 'dec', precision: 2, scale: 2 }, k: { kind: 'tstz' }, l: { kind: 'json' }, m: { kind: 'time' }, n: { kind: 'bytes' } } satisfies Record<string, ColumnType>;
/** Spark has no time of day: every other chain is without one. */
const inputOf = (seed: number): ReadonlyMap<string, ColumnType> => new Map<string, ColumnType>(Object.entries(types).filter(([name]) => seed % 2 === 0 || name !== 'm'));
/** A text and what is bound to it, or why there is none. */
function said<T>(work: () => T): unknown {
  try { const answer = checked('/', work); return answer.ok ? answer.value : answer.issues; } catch (error) { if (error instanceof EtlError) return [error.code, error.message]; throw error; }
}
const statement = (compiled: ReturnType<typeof compile>): unknown => [compiled.text, compiled.params];
function own(seed: number, fused: Fused): unknown {
  const columns = [...inputOf(seed)].map(([name, type]) => ({ name, type, native: name === 'e' ? 'character(5)' : 'text', nullable: true }));
  const from = <D extends ExprDialect>(dialect: D): TransformInput<D> => ({ from: sqlFor(dialect)`t`, column: (name) => sqlFor(dialect)`t.${identifier(name)}` });
  return [fused, outputOf({ input: columns, stages: fused.stages }), ...dialects.map((dialect) => said(() => { const { rows, names, reaching } = printTransform(dialect, { input: columns, stages: [...fused.stages] }, from(dialect)); return [statement(compile(rows)), names, compile(reaching).text]; }))];
}
const seeds = (count: number): number[] => Array.from({ length: count }, (_, nth) => nth);

describe('forged steps are printed as they were when the engines answered alike', () => {
  it.each(ownKinds.flatMap((kind) => seeds(12).map((seed) => [kind, seed] as const)))('%s %s', (kind, seed) => {
    const [now, kept] = pinned.of(`${kind} ${seed}`, own(seed, new Forge(seed, inputOf(seed)).chain([kind]).fused));
    expect(now).toBe(kept);
  });
  it.each(seeds(40))('a chain of any kinds %s', (seed) => {
    const [now, kept] = pinned.of(`chain ${seed}`, own(seed, new Forge(1_000 + seed, inputOf(seed)).chain().fused));
    expect(now).toBe(kept);
  });
  it.each(seeds(60))('joins and unions %s', (seed) => {
    const each = nextCase(new JoinForge(seed));
    const texts = dialects.map((dialect) => said(() => { const { rows, combining } = printedCase(dialect, each); return [compile(rows).text, combining.map(({ counted }) => compile(counted).text)]; }));
    const [now, kept] = pinned.of(`joins ${seed}`, [each.fused, texts]);
    expect(now).toBe(kept);
  });
  it.each(seeds(40))('twenty expressions %s', (seed) => {
    const forge = new Forge(5_000 + seed, inputOf(seed));
    const [now, kept] = pinned.of(`expressions ${seed}`, seeds(20).map(() => { const expr = forge.next(); return [expr, ...dialects.map((dialect) => said(() => statement(compile(printExpression(dialect, expr, (name) => sqlFor(dialect)`${identifier(name)}`)))))]; }));
    expect(now).toBe(kept);
  });
  it('and nothing is kept that is gone', () => { expect(pinned.unasked).toEqual([]); });
});
