import { EtlError } from '@agent-etl/contracts';
import type { RelayTx, TenantTx } from './tenant-tx.ts';
import { sql } from './sql.ts';

/** Refuses a login that row security does not bind, and a schema with a table of tenants that shows its rows to everybody.
 * @throws EtlError `config.invalid` with one issue per breach */
export async function checkIsolation(tx: TenantTx | RelayTx): Promise<void> {
  const logins = await tx.run<{ text: string }>(sql`
    select format('the login %s is a superuser', rolname) as text from pg_roles where rolname = current_user and rolsuper
    union all select format('the login %s has BYPASSRLS', rolname) from pg_roles where rolname = current_user and rolbypassrls
    union all select format('the login %s owns %s', current_user, min(c.oid::regclass::text)) from pg_class c
      where c.relowner = (select oid from pg_roles where rolname = current_user) having count(*) > 0`);
  const tables = await tx.run<{ text: string }>(sql`
    select format('table %s has a tenant_id but no forced row security', c.oid::regclass) as text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity) order by 1`);
  const breaches = [...logins, ...tables].map(({ text }) => text);
  if (!breaches.length) return;
  throw new EtlError('config.invalid', { problems: breaches.join('; ') },
    { issues: breaches.map((text) => ({ code: 'isolation', path: 'ETL_PERSISTENCE_URL', text })) });
}
