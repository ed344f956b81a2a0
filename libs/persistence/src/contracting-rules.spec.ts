import { describe, expect, it } from '@jest/globals';
import { breachesOf } from './contracting-rules.ts';

const expansion = { name: 'Next1999999999999', release: 2, phase: 'expand' } as const;

describe('an expansion', () => {
  it.each([
    'drop table run', 'alter table run drop column receipt', 'alter table run drop column if exists receipt', 'alter table run rename column state to status', 'alter table run rename to runs', 'alter table run alter column state type int',
    'alter table run alter column state set data type int', 'alter table run alter receipt set not null', 'alter table run alter column ignored drop default', 'delete from run where kind = \'copy\'', 'truncate run', 'drop policy tenant on run',
    'revoke select on run from monitor', 'drop index run_newest', 'alter table run add column owner text not null', 'create unique index run_owner on run (owner)', 'alter table run add constraint one_owner unique (owner)', 'alter table run add check (ignored >= 0)',
    'alter table run\n  ADD COLUMN a text, add column b int not null', '/* drop nothing */ alter table run -- drop\n drop column receipt',
  ])('may not: %s', (statement) => { expect(breachesOf(expansion, [statement])).not.toEqual([]); });
  it.each([
    ['a new table with all it needs', ['create table note (id uuid primary key, text text not null, unique (text))', 'create unique index note_text on note (text)', 'alter table note enable row level security', 'alter table note add constraint long check (length(text) > 1)']],
    ['a column that may be left out', ['alter table run add column owner text, add column tries integer not null default 0, add column seq bigint generated always as identity']],
    ['an index', ['create index run_owner on run (owner)']],
    ['words in quotes and comments', ["alter table run add column note text default 'drop table run'", '-- drop table run\nselect 1']],
  ])('may make %s', (_, statements) => { expect(breachesOf(expansion, statements)).toEqual([]); });
  it('may widen a constraint when it says so', () => {
    const widening = ['alter table run drop constraint run_kind_check', "alter table run add constraint run_kind_check check (kind in ('copy', 'new'))"];
    expect(breachesOf(expansion, widening)).toEqual([expect.stringContaining('adds a constraint')]);
    expect(breachesOf({ ...expansion, widens: ['run_kind_check'] }, widening)).toEqual([]);
  });
  it('of the first release may do anything: nobody ran before it', () => { expect(breachesOf({ ...expansion, release: 1 }, ['drop table run'])).toEqual([]); });
});

describe('a contraction', () => {
  it('is refused in the release that still needs what it takes away', () => {
    expect(breachesOf({ ...expansion, phase: 'contract', lastNeededIn: 2 }, ['alter table run drop column owner'])).toEqual([expect.stringContaining('release 2 still needs')]);
    expect(breachesOf({ ...expansion, phase: 'contract' }, ['drop table run'])).toHaveLength(1);
  });
  it('is taken from a later one', () => { expect(breachesOf({ ...expansion, phase: 'contract', lastNeededIn: 1 }, ['alter table run drop column owner'])).toEqual([]); });
});
