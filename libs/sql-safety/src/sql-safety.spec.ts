import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SqlSafetyError } from './errors.ts';
import { type SqlIdentifier, identifier } from './ident/identifier.ts';
import { relationParts } from './ident/relation-parts.ts';
import { type SqlFragment, joinSql, sqlFor } from './tag/fragment.ts';
import { literal } from './tag/literal.ts';
import { compile, isSafeSql } from './tag/safe-sql.ts';
import { typeName } from './tag/type-name.ts';

const sql = sqlFor('postgres');
const text = (fragment: SqlFragment<'postgres'>): string => compile(fragment).text;

describe('an identifier', () => {
  it('is printed between quotes, with quotes doubled', () => { expect(text(sql`${identifier('Mixed "case"; --', 'a.b')}`)).toBe('"Mixed ""case""; --"."a.b"'); });
  it.each(['', 'a\0b', 'a\ud800', 'x'.repeat(64), 'é'.repeat(32)])('refuses %j', (name) => { expect(() => identifier(name)).toThrow(SqlSafetyError); });
  it.each([
    ['orders', { schema: 'public', table: 'orders' }], ['mart.Order Items', { schema: 'mart', table: 'Order Items' }], ['mart."we.ird"', { schema: 'mart', table: 'we.ird' }], ['"a""b".c', { schema: 'a"b', table: 'c' }],
    ['a.b.c', null], ['.a', null], ['a.', null], ['', null], ['x"; drop table y; --', null], ['"open', null],
  ])('is read from %j', (typed, parts) => { expect(relationParts(typed)).toEqual(parts); });
  it('cannot be made of JSON, of a copy or of its prototype', () => {
    const real = identifier('orders');
    for (const fake of [JSON.parse(JSON.stringify(real)), { ...real }, Object.create(real), Object.create(Object.getPrototypeOf(real) as object, { parts: { value: ['x; drop table y'] } })] as SqlIdentifier[]) {
      expect(() => sql`${fake}`).toThrow(SqlSafetyError);
    }
  });
  it('reads back as itself from between the quotes, whatever it holds', () => {
    fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((name) => !name.includes('\0') && name.isWellFormed() && new TextEncoder().encode(name).length <= 63), (name) => {
      const printed = text(sql`${identifier(name)}`);
      expect(printed.slice(1, -1).replaceAll('""', '\u0001').includes('"')).toBe(false);
      expect(printed.slice(1, -1).replaceAll('""', '"')).toBe(name);
    }));
  });
});

describe('the dialects', () => {
  it('print a name between the quotes that their engine reads as a name, whatever its settings are', () => {
    const name = identifier('a"b`c');
    expect([compile(sqlFor('sqlite')`${name}`).text, compile(sqlFor('mysql')`${name}`).text]).toEqual(['"a""b`c"', '`a"b``c`']);
  });
  it('mark the places of values as their engine does', () => {
    expect([compile(sqlFor('sqlite')`${1}, ${'a'}`).text, compile(sqlFor('mysql')`${1}, ${'a'}`).text]).toEqual(['?1, ?2', '?, ?']);
  });
  it('print a text so that no backslash and no quote in it ends it', () => {
    const evil = "\\'; drop table x; -- é";
    expect(compile(literal('sqlite', evil)).text).toBe("'\\''; drop table x; -- é'");
    expect(compile(literal('mysql', evil)).text).toBe(`_utf8mb4 x'${Buffer.from(evil).toString('hex')}'`);
    expect(compile(literal('mysql', '')).text).toBe("_utf8mb4 x''");
  });
  it('take no fragment of each other', () => {
    expect(() => sqlFor('mysql')`${sqlFor('sqlite')`1` as unknown as SqlFragment<'mysql'>}`).toThrow(SqlSafetyError);
  });
  it('know unsigned numbers as a type, and no double quote in one of MySQL', () => {
    expect(compile(typeName('mysql', 'bigint unsigned')).text).toBe('bigint unsigned');
    expect(() => typeName('mysql', '"x"')).toThrow(SqlSafetyError);
  });
});

describe('a tag', () => {
  it('binds every value and numbers them over nested fragments', () => {
    const statement = compile(sql`SELECT ${1}, ${joinSql([sql`${'a'}`, sql`${null}`], sql`, `)} WHERE x = ${"'; drop table y; --"}`);
    expect([statement.text, statement.params]).toEqual(['SELECT $1, $2, $3 WHERE x = $4', [1, 'a', null, "'; drop table y; --"]]);
  });
  it('is no function: computed text is refused', () => {
    const call = sql as unknown as (parts: unknown, ...rest: unknown[]) => unknown;
    for (const parts of [['select 1'], Object.assign(['select 1'], { raw: ['select 1'] }), 'select 1']) expect(() => call(parts)).toThrow(SqlSafetyError);
  });
  it('refuses a fragment of another dialect and a forged one', () => {
    const foreign = sqlFor('duckdb')`1` as unknown as SqlFragment<'postgres'>;
    for (const fake of [foreign, { dialect: 'postgres' }, { text: 'x' }] as SqlFragment<'postgres'>[]) expect(() => sql`${fake}`).toThrow(SqlSafetyError);
  });
  it.each([NaN, Infinity, undefined, ['a'], { a: 1 }, 'a\0', '\udc00', () => 1])('refuses to bind %p', (value) => { expect(() => sql`${value as string}`).toThrow(SqlSafetyError); });
});

describe('a statement', () => {
  it('is known by membership, not by its looks', () => {
    const statement = compile(sql`SELECT 1`);
    expect([isSafeSql(statement), isSafeSql({ ...statement }), isSafeSql(Object.create(statement)), isSafeSql(structuredClone({ text: statement.text })), isSafeSql('SELECT 1')]).toEqual([true, false, false, false, false]);
    expect(() => { Object.assign(statement, { text: 'DROP TABLE x' }); }).toThrow(TypeError);
  });
});

describe('a literal', () => {
  it('keeps any text inside its quotes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 30 }).filter((value) => value.isWellFormed() && !value.includes('\0')), (value) => {
      const printed = text(literal('postgres', value));
      expect(printed.slice(1, -1).replaceAll("''", "\u0001").includes("'")).toBe(false);
      expect(printed.slice(1, -1).replaceAll("''", "'")).toBe(value);
    }));
  });
  it.each(['a\0', '\ud800', NaN, 1.5, Infinity])('refuses %p', (value) => { expect(() => literal('postgres', value)).toThrow(SqlSafetyError); });
});

describe('a type name', () => {
  it.each(['integer', 'numeric(18,4)', 'numeric(5,-2)', 'character varying(20)', 'timestamp(3) without time zone', 'timestamp with time zone', 'integer[]', 'text[][]', '"My Type"', 'public."mood""s"', 'double precision', 'bit varying(8)', 'DECIMAL(38,0)'])(
    'takes %s', (spelled) => { expect(text(typeName('postgres', spelled))).toBe(spelled); });
  it.each(['', 'int; drop table x', 'int)', "text default 'x'", 'int --', 'int/**/', 'int collate "C"."x".y z(', 'numeric(1,2,3)', 'numeric(a)', '"a', 'int\n', 'int references secrets', 'text not null', 'a.b.c', 'int[x]', `int${' x'.repeat(150)}`])(
    'refuses %j', (spelled) => { expect(() => typeName('postgres', spelled)).toThrow(SqlSafetyError); });
});
