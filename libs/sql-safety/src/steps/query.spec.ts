import { describe, expect, it } from '@jest/globals';
import type { ColumnType, Expr, Query, QueryBody, QueryFrom, QueryItem, QueryUse, QueryValue, Transform } from '@agent-etl/contracts';
import { outputOf } from '../lineage/output-of.ts';
import { checked } from '../refusal.ts';
import { compile } from '../tag/safe-sql.ts';
import { identifier } from '../ident/identifier.ts';
import { sqlFor } from '../tag/fragment.ts';
import { fuseSteps } from './fuse-steps.ts';
import { printTransform } from './print-transform.ts';

const input = new Map<string, ColumnType>([['id', { kind: 'i64' }], ['email', { kind: 'text' }], ['city', { kind: 'text' }], ['doc', { kind: 'json' }], ['mood', { kind: 'other', labels: ['sad', 'ok', 'happy'] }]]);
const people = new Map<string, ColumnType>([['mail', { kind: 'text' }], ['plan', { kind: 'text' }], ['unused', { kind: 'text' }]]);
const column = (name: string, rel: string | null = null): QueryValue => ({ expr: { k: 'col', name: '$0' }, uses: [{ k: 'column', rel, name }] });
const use = (of: QueryUse): QueryValue => ({ expr: { k: 'col', name: '$0' }, uses: [of] });
const equal = (l: QueryValue, r: QueryValue): QueryValue => ({ expr: { k: 'bin', op: '=', l: { k: 'col', name: '$0' }, r: { k: 'col', name: '$1' } }, uses: [...l.uses, ...r.uses] });
const item = (value: QueryValue, as: string): QueryItem => ({ k: 'value', value, as });
const table = (name: string, as: string | null = null): QueryFrom => ({ k: 'table', name: [name], as, columns: [] });
type Select = Extract<QueryBody, { k: 'select' }>;
const select = (items: QueryItem[], more: Partial<Select> = {}): Select => ({ k: 'select', distinct: false, distinctOn: [], items, from: table('input'), where: null, group: null, having: null, qualify: null, ...more });
const query = (body: QueryBody, more: Partial<Query> = {}): Query => ({ ctes: [], body, order: [], limit: null, offset: null, ...more });
const relations = [{ name: 'people', input: 0 }];
const fused = (asked: Query, others: readonly { readonly name: string; readonly input: number }[] = []) => fuseSteps([{ op: 'query', query: asked, relations: others }], input, { inputs: [people], dialect: 'postgres' });
const codeOf = (work: () => unknown): string => { const answer = checked('', work); return answer.ok ? 'accepted' : answer.issues[0]!.code; };
const asColumns = (columns: ReadonlyMap<string, ColumnType>) => [...columns].map(([name, type]) => ({ name, type, native: type.kind, nullable: true }));
const transformOf = (asked: Query, others: typeof relations = []): Pick<Transform, 'input' | 'stages' | 'inputs'> => ({
  input: asColumns(input), stages: [...fused(asked, others).stages], inputs: [{ source: { connection: 'hr' as never, dataset: 'public.people' }, columns: asColumns(people), unread: [], fingerprint: 'a'.repeat(64) as never, options: {} }] });
const sql = sqlFor('postgres');
const printed = (transform: Pick<Transform, 'input' | 'stages' | 'inputs'>): string => compile(printTransform('postgres', transform, { from: sql`t`, column: (name) => sql`t.${identifier(name)}`, inputs: [{ from: sql`p`, column: (name) => sql`p.${identifier(name)}` }] }).rows).text;
const madeOf = (asked: Query, others: typeof relations = []) => outputOf(transformOf(asked, others)).map(({ name, from, clear }) => [name, from.join(' '), clear.join(' ')]);

describe('a SELECT as a step', () => {
  it('stands over the rows before it, which it calls input, and gives typed columns', () => {
    const transform = transformOf(query(select([item(column('id'), 'n')])));
    expect(transform.stages.at(-1)).toMatchObject({ op: 'query', columns: [{ name: 'n', type: { kind: 'i64' } }] });
    expect(printed(transform)).toMatch(/^WITH "input" AS \(SELECT stage\."c0" AS "id", .* FROM .*\) SELECT CAST\(made\."n" AS bigint\) AS "c0" FROM \(SELECT "input"\."id" AS "n" FROM "input" AS "input"\) AS made$/);
  });
  it('gives an enumeration as the text that it says, and refuses its order with what helps', () => {
    const transform = transformOf(query(select([item(column('id'), 'id'), item(column('mood'), 'mood')])));
    expect(transform.stages.at(-1)).toMatchObject({ columns: [{ name: 'id' }, { name: 'mood', type: { kind: 'text' } }] });
    expect(printed(transform)).toContain('CAST(made."mood" AS text)');
    const says = (asked: Query): string => { const answer = checked('', () => fused(asked)); return answer.ok ? 'accepted' : answer.issues[0]!.text; };
    const byMood = [{ e: column('mood'), dir: 'asc', nulls: 'last' }] as const;
    const asked = select([item(column('mood'), 'mood')]);
    for (const refused of [query(asked, { order: [...byMood], limit: 1 }), query(asked, { limit: 1 }), query({ ...asked, distinct: true }), query(select([item(column('mood'), 'mood')], { group: { by: [column('mood')], sets: [], all: false } }))]) expect(says(refused)).toMatch(/enumeration .*; cast it to text\.$/);
  });
  it.each<[string, Query, string]>([
    ['a relation of its own', query(select([item(column('id'), 'n')], { from: table('pg_shadow') })), 'SQL_RELATION'], ['a schema before input', query(select([item(column('id'), 'n')], { from: { k: 'table', name: ['public', 'input'], as: null, columns: [] } })), 'SQL_RELATION'],
    ['a document as it is, without an order', query(select([item(column('doc'), 'd')]), { limit: 1 }), 'STEP_ORDER_NOT_TOTAL'], ['the clock', query(select([item(use({ k: 'clock', is: 'ts' }), 'now')])), 'SQL_POLICY'],
    ['an order that is lost', query(select([item(column('id'), 'n')]), { order: [{ e: column('id'), dir: 'asc', nulls: 'last' }] }), 'STEP_SORT_LOST'], ['a relation that nobody named', query(select([item(column('plan'), 'p')], { from: table('people') })), 'SQL_RELATION'],
  ])('refuses %s', (_, asked, code) => { expect(codeOf(() => fused(asked))).toBe(code); });
  it('makes an order total where it chooses among rows', () => {
    const order = [{ e: column('city'), dir: 'asc' as const, nulls: 'last' as const }];
    expect(printed(transformOf(query(select([item(column('city'), 'c'), item(column('id'), 'n')]), { order, limit: 3 })))).toContain('ORDER BY "input"."city" COLLATE "C" ASC NULLS LAST, "input"."id" ASC NULLS LAST LIMIT 3');
    const nth = use({ k: 'window', fn: 'row_number', args: [], partition: [], order, frame: null, where: null });
    const inner = query(select([item(column('id'), 'id'), item(column('city'), 'city')]));
    const numbered = query(select([item(nth, 'nth')], { from: { k: 'query', query: inner, as: 'x', columns: [] } }));
    expect(printed(transformOf(numbered))).toContain('row_number() OVER (ORDER BY "x"."city" COLLATE "C" ASC NULLS LAST, "x"."id" ASC NULLS LAST, "x"."city" COLLATE "C" ASC NULLS LAST)');
    // A document has no order: it would have to be left out in a query inside.
    expect(codeOf(() => fused(query(select([item(nth, 'nth')]))))).toBe('STEP_ORDER_NOT_TOTAL');
    const rank = use({ k: 'window', fn: 'rank', args: [], partition: [], order, frame: null, where: null });
    expect(codeOf(() => fused(query(select([item(rank, 'r')]))))).toBe('accepted');
  });
});

describe('what a column behind a SELECT is made of', () => {
  const count = use({ k: 'aggregate', fn: 'count', args: [column('email')], distinct: true, order: [], where: null });
  const most = use({ k: 'aggregate', fn: 'max', args: [column('email')], distinct: false, order: [], where: null });
  it('follows a value, and not a number of values', () => {
    expect(madeOf(query(select([item(column('city'), 'city'), item(count, 'n'), item(most, 'm')], { group: { by: [column('city')], sets: [], all: false } })))).toEqual([['city', 'city', 'city'], ['n', 'email', ''], ['m', 'email', 'email']]);
  });
  it('sees what a query inside looks at, whatever it shows', () => {
    const looks = (k: 'exists' | 'scalar'): QueryValue => use({ k, query: query(select([item({ expr: { k: 'lit', t: { kind: 'i32' }, v: '1' }, uses: [] }, 'one')], { from: table('input', 'i'), where: equal(column('email', 'i'), column('city', 'input')) })) });
    for (const k of ['exists', 'scalar'] as const) expect(madeOf(query(select([item(looks(k), 'x')])))).toEqual([['x', 'city email', 'city email']]);
    expect(madeOf(query(select([item(use({ k: 'in', e: column('id'), query: query(select([item(column('id'), 'id')], { from: table('input', 'i'), where: equal(column('email', 'i'), column('email', 'i')) })) }), 'x')])))[0]?.[2]).toBe('email id');
  });
  it('knows that a row that is found by a value says that value', () => {
    const on = (where: 'on' | 'where'): Query => query(select([item(column('mail'), 'mail'), item(column('plan'), 'plan')], where === 'on' ? { from: { k: 'join', kind: 'inner', left: table('input'), right: table('people'), on: equal(column('mail'), column('email')), using: [], natural: false } }
      : { from: { k: 'join', kind: 'cross', left: table('input'), right: table('people'), on: null, using: [], natural: false }, where: equal(column('mail'), column('email')) }));
    for (const where of ['on', 'where'] as const) expect(madeOf(on(where), relations)).toEqual([['mail', 'email hr:public.people.mail', 'email hr:public.people.mail'], ['plan', 'hr:public.people.plan', 'hr:public.people.plan']]);
  });
  it('takes a stored stage that says otherwise for made of everything, and never prints it', () => {
    const transform = transformOf(query(select([item(column('city'), 'c')])));
    const forged = (change: object) => ({ ...transform, stages: transform.stages.map((stage) => (stage.op === 'query' ? { ...stage, ...change } : stage)) });
    const renamed = forged({ input: asColumns(input).map(({ name, type }) => ({ name: name === 'city' ? 'email' : name === 'email' ? 'city' : name, type })) });
    expect(outputOf(renamed)[0]?.clear).toContain('email');
    expect(outputOf(renamed)[0]?.clear).toContain('id');
    expect(() => printed(renamed)).toThrow('other columns');
    for (const change of [{ columns: [{ name: 'c', type: { kind: 'i64' } }] }, { columns: [] }, { query: query(select([item(column('id'), 'c')], { from: table('secret') })) }, { relations: [{ name: 'people', input: 3, columns: ['plan'] }] }]) expect(() => printed(forged(change))).toThrow();
    const stolen: Expr = { k: 'col', name: '$0' };
    expect(outputOf(forged({ query: query(select([item({ expr: stolen, uses: [{ k: 'column', rel: null, name: 'email' }] }, 'c')])) }))[0]?.clear).toEqual(['email']);
  });
});
