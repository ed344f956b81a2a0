import { describe, expect, it } from '@jest/globals';
import { enableRowSecurity, letRelay } from './row-security.ts';
import { joinSql, sql } from './sql.ts';

describe('sql', () => {
  it('binds every value, however hostile', () => {
    const query = sql`select * from run where name = ${`'; drop table run --`} and n = ${1}`;
    expect(query.text).toBe('select * from run where name = $1 and n = $2');
    expect(query.values).toEqual([`'; drop table run --`, 1]);
  });
  it('splices a statement with its own values, counting on', () => {
    const where = sql`a = ${1} and b = ${2}`;
    const query = sql`select ${0} from t where ${where} or c = ${3}`;
    expect(query.text).toBe('select $1 from t where a = $2 and b = $3 or c = $4');
    expect(query.values).toEqual([0, 1, 2, 3]);
  });
  it('joins pieces', () => {
    expect(joinSql([sql`(${1})`, sql`(${2})`], ', ')).toMatchObject({ text: '($1), ($2)', values: [1, 2] });
    expect(joinSql([], ', ')).toMatchObject({ text: '', values: [] });
    expect(sql`insert into t values ${joinSql([sql`(${1}, ${2})`, sql`(${3}, ${4})`], ', ')} returning a`.text).toBe('insert into t values ($1, $2), ($3, $4) returning a');
  });
  it('refuses undefined, which no column means', () => { expect(() => sql`select ${undefined}`).toThrow(TypeError); });
});

describe('row security', () => {
  it('refuses a table name that is more than a name', () => {
    expect(() => enableRowSecurity('run; drop table x')).toThrow(/a-z first/);
    expect(() => letRelay('Run', ['select'])).toThrow(/a-z first/);
  });
});
