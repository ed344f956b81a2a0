import { type Migration, enableRowSecurity, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** Where the connections of a tenant lead, as the latest approval says it: one fact for all its DAGs. */
export class AddressBook1764000300100 implements Migration {
  readonly name = 'AddressBook1764000300100';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [
      sql`create table address_book (
        tenant_id uuid primary key,
        addresses jsonb not null,
        approved_at timestamptz not null)`,
      ...enableRowSecurity('address_book'),
    ]);
  }
  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`drop table address_book`]); }
}
