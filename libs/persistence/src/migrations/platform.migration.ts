import type { QueryRunner } from 'typeorm';
import { type Migration, type MigrationClass, runAll } from '../migration-class.ts';
import { enableRowSecurity, letRelay } from '../row-security.ts';
import { sql } from '../sql.ts';

/** What every schema has: messages to send, messages seen, messages that wait behind a failing one, messages given up. */
class Platform1764000000000 implements Migration {
  readonly name = 'Platform1764000000000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [...outbox, ...inbox, ...parked, ...deadLetter]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`drop table dead_letter`, sql`drop table parked`, sql`drop table inbox`, sql`drop table outbox`]);
  }
}

// One id per saying: the same decision taken twice is one row. Rows are marked one by one, since a lower seq may commit later.
const outbox = [
  sql`create table outbox (
    seq bigint generated always as identity primary key,
    tenant_id uuid not null,
    topic text not null,
    key text not null,
    ce_id uuid not null,
    headers jsonb not null,
    body bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    sent_at timestamptz,
    unique (tenant_id, ce_id))`,
  sql`create index outbox_unsent on outbox (seq) where sent_at is null`,
  sql`create index outbox_sent on outbox (sent_at) where sent_at is not null`,
  ...enableRowSecurity('outbox'),
  ...letRelay('outbox', ['select', 'update', 'delete']),
];

// Kept longer than a topic keeps messages plus the time in which a replay may come.
const inbox = [
  sql`create table inbox (
    tenant_id uuid not null,
    app text not null,
    ce_id uuid not null,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, app, ce_id))`,
  sql`create index inbox_seen on inbox (seen_at)`,
  ...enableRowSecurity('inbox'),
  ...letRelay('inbox', ['select', 'delete']),
];

// Messages of one key wait here in the order of seq while the first of them is tried again; the partition has moved on.
const parked = [
  sql`create table parked (
    seq bigint generated always as identity primary key,
    tenant_id uuid not null,
    app text not null,
    topic text not null,
    partition int not null,
    "offset" text not null,
    key text not null,
    headers jsonb not null,
    value bytea not null,
    tries int not null default 0,
    failure jsonb,
    next_at timestamptz not null default clock_timestamp(),
    first_seen timestamptz not null default clock_timestamp(),
    last_seen timestamptz not null default clock_timestamp(),
    unique (tenant_id, app, topic, partition, "offset"))`,
  sql`create index parked_key on parked (tenant_id, app, topic, key, seq)`,
  sql`create index parked_due on parked (next_at)`,
  ...enableRowSecurity('parked'),
  ...letRelay('parked', ['select', 'update']),
];

// Original bytes with the reason. What names no tenant that we can read belongs to the default tenant.
const deadLetter = [
  sql`create table dead_letter (
    id uuid primary key,
    tenant_id uuid not null,
    app text not null,
    topic text not null,
    partition int not null,
    "offset" text not null,
    key text not null,
    headers jsonb not null,
    value bytea not null,
    failure jsonb not null,
    tries int not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null default clock_timestamp(),
    release text not null,
    state text not null default 'dead' check (state in ('parked', 'dead', 'replayed', 'dropped')),
    unique (tenant_id, app, topic, partition, "offset"))`,
  sql`create index dead_letter_newest on dead_letter (tenant_id, last_seen desc)`,
  ...enableRowSecurity('dead_letter'),
];

/** Migrations of outbox, inbox, parked and dead_letter: the head of every service's own list. */
export const platformMigrations = (): MigrationClass[] => [Platform1764000000000];
