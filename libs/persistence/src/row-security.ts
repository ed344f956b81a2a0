import { EtlError } from '@agent-etl/contracts';
import { Sql } from './sql.ts';

export const RELAY_ROLE = 'etl_relay';
export const OWNER_ROLE = 'etl_owner';
const identifier = /^[a-z][a-z0-9_]{0,62}$/;

/** Statements that show rows of a table to their own tenant only, its owner included. Without a tenant in the transaction there are no rows.
 * Every own table with a `tenant_id` needs them; a service does not start while one lacks them.
 * @param table an unqualified name of the migration's own schema
 * @throws EtlError `name.invalid` */
export function enableRowSecurity(table: string): Sql[] {
  const name = checked(table);
  // A pooled connection keeps '' after a transaction-local setting ends, and ''::uuid is an error: hence nullif.
  const own = `tenant_id = nullif(current_setting('app.tenant', true), '')::uuid`;
  return [
    literal(`alter table ${name} enable row level security`),
    literal(`alter table ${name} force row level security`),
    literal(`create policy tenant on ${name} using (${own}) with check (${own})`),
  ];
}

type Verb = 'select' | 'insert' | 'update' | 'delete';

/** Statements that let the relay login see a table across tenants: outboxes, parked messages, tasks and schedules, nothing else.
 * @throws EtlError `name.invalid` */
export function letRelay(table: string, verbs: readonly Verb[]): Sql[] {
  const name = checked(table);
  return [
    literal(`create policy relay on ${name} to ${RELAY_ROLE} using (true) with check (true)`),
    literal(`grant ${verbs.join(', ')} on ${name} to ${RELAY_ROLE}`),
  ];
}

function checked(table: string): string {
  if (!identifier.test(table)) throw new EtlError('name.invalid', { name: table });
  return table;
}
const literal = (text: string): Sql => new Sql([text], []);
