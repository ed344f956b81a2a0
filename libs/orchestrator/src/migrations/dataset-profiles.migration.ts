import { type Migration, enableRowSecurity, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const tables = [
  // What is known of a dataset in one of its shapes: what catalogues said, and what its values are like.
  sql`create table dataset_profile (
    tenant_id uuid not null,
    connection text not null,
    dataset text not null,
    fingerprint text not null,
    catalogue jsonb,
    catalogue_at timestamptz,
    sketch jsonb,
    sketched_at timestamptz,
    earlier jsonb not null default '[]',
    primary key (tenant_id, connection, dataset, fingerprint),
    check ((catalogue is null) = (catalogue_at is null)),
    check ((sketch is null) = (sketched_at is null)))`,
  ...enableRowSecurity('dataset_profile'),
];

/** Profiles of datasets, and runs that make them. */
export class DatasetProfiles1764000600000 implements Migration {
  readonly name = 'DatasetProfiles1764000600000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [...tables, sql`alter table run drop constraint run_kind_check`, sql`alter table run add constraint run_kind_check check (kind in ('copy', 'planning', 'inspect', 'reconcile', 'sketch'))`]);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`drop table dataset_profile`, sql`delete from run where kind = 'sketch'`, sql`alter table run drop constraint run_kind_check`,
      sql`alter table run add constraint run_kind_check check (kind in ('copy', 'planning', 'inspect', 'reconcile'))`]);
  }
}
