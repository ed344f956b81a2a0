import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { type ForeignDialect, POLICY_QUERY, type ValidatedQuery, checkExpression, checked, compile, foreignDialects, identifier, nextStep, printExpression, printQuery, relationsNamedIn, schemaOf, sqlFor } from '@agent-etl/sql-safety';
import { ATTACKED, attacks } from '@agent-etl/sql-safety/corpus';
import { Pinned } from '@agent-etl/sql-safety/testing';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExpressionParser } from './expression-parser.ts';
import { QueryParser } from './query-parser.ts';

const corpus = join(import.meta.dirname, '..', '..', '..', 'sql-safety', 'corpus');
const file = join(corpus, 'pinned.json');
/** After `npm run proof -- corpus` has shown that the new texts answer alike on both engines. */
const isWriting = process.env['ETL_TEST_WRITE'] === '1';
const pinned = new Pinned(readFileSync(file, 'utf8'), { isWriting });
const relation = /^ {2}([\w.]+): \{ (.*) \}$/gm;
const columnsOf = (text: string): Record<string, string> => Object.fromEntries([...text.matchAll(/(\w+): ("[^"]*"|\w+)/g)].map(([, name, type]) => [name!, type!.replaceAll('"', '')]));
const schema = schemaOf(Object.fromEntries([...readFileSync(join(corpus, 'schema.yaml'), 'utf8').matchAll(relation)].map(([, name, columns]) => [name!, columnsOf(columns!)])));
const queries = readdirSync(corpus).filter((name) => name.endsWith('.sql')).sort().flatMap((name) => readFileSync(join(corpus, name), 'utf8').split(/^-- name: /m).slice(1).map((part) => {
  const [head = '', ...lines] = part.split('\n');
  return [head, { text: lines.join('\n').trim(), dialect: foreignDialects.find((each) => head.endsWith(`[${each}]`)) ?? 'postgres' }] as const;
}));
const run = { now: '2026-01-31 12:00:00' };
const input = new Map<string, ColumnType>(ATTACKED[0]!.columns.filter(({ denied }) => !denied).map(({ name, type }) => [name, type]));

let scratch: string;
let parser: QueryParser;
let expressions: ExpressionParser;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'corpus-')); parser = new QueryParser(scratch); expressions = new ExpressionParser(scratch); });
afterAll(async () => { await parser.stop(); await expressions.stop(); await rm(scratch, { recursive: true }); if (isWriting) writeFileSync(file, pinned.text); });

/** A query for each engine, with its columns, what it reads and what it calls. */
const told = (query: ValidatedQuery) => ({ texts: (['duckdb', 'postgres'] as const).map((dialect) => { const answer = checked('/', () => compile(printQuery(dialect, query, run)).text); return answer.ok ? answer.value : answer.issues; }), outputs: query.outputs, reads: query.reads, functions: query.functions, notes: query.notes });
async function answer(text: string, dialect: ForeignDialect, of: typeof schema): Promise<unknown> {
  const read = await parser.validate({ text, dialect }, { path: '/', schema: of, policy: POLICY_QUERY });
  return read.ok ? told(read.value) : [read.issues, nextStep(read.issues)];
}
async function condition(text: string): Promise<unknown> {
  const parsed = await expressions.parse(text, '/');
  const read = parsed.ok ? checked('/', () => checkExpression(parsed.value, { input, expect: { kind: 'bool' } })) : parsed;
  return read.ok ? compile(printExpression('postgres', read.value, (name) => sqlFor('postgres')`${identifier(name)}`)).text : read.issues;
}

describe('the frozen corpus is printed as it was when both engines answered alike', () => {
  it.each(queries)('%s', async (name, { text, dialect }) => {
    const named = await parser.read({ text, dialect }, '/');
    const [now, kept] = pinned.of(`query ${name}`, [await answer(text, dialect, schema), named.ok && relationsNamedIn(named.value)]);
    expect(now).toBe(kept);
  });
});
describe('an attack is refused as it was, or printed as it was', () => {
  const kinds = Map.groupBy(attacks().filter(({ of }) => of !== 'resources'), ({ of }) => of);
  const parts = [...kinds].flatMap(([of, all]) => Array.from({ length: Math.ceil(all.length / 40) }, (_, part) => [`${of} ${part}`, all.slice(part * 40, part * 40 + 40).filter((_each, nth) => nth % 3 === 0)] as const));
  it.each(parts)('%s', async (name, some) => {
    const told = [];
    for (const { text, isExpression } of some) told.push(isExpression ? await condition(text) : await answer(text, 'postgres', ATTACKED), isExpression ? null : await answer(text, 'spark', ATTACKED));
    const [now, kept] = pinned.of(`attacks ${name}`, told);
    expect(now).toBe(kept);
  });
  it('and nothing is kept that is gone', () => { expect(pinned.unasked).toEqual([]); });
});
