import { z } from 'zod';

const url = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });
const file = z.string().min(1).optional();
/** What a deployed service reads to reach its state. */
export const persistenceConfig = z.object({
  ETL_PERSISTENCE_URL: url.describe("PostgreSQL (>= 14) with the service's own login, such as postgres://monitor:…@host/etl?sslmode=verify-full&sslrootcert=/etc/agent-etl/ca.crt."),
  ETL_PERSISTENCE_RELAY_URL: url.describe('The same database with the login etl_relay.'),
  ETL_PERSISTENCE_PASSWORD_FILE: file.describe('File that holds the password of that login, for a URL without one.'),
  ETL_PERSISTENCE_RELAY_PASSWORD_FILE: file.describe('File that holds the password of etl_relay, for a URL without one.'),
  ETL_PERSISTENCE_POOL: z.coerce.number().int().min(1).max(100).default(6).describe('Connections of the own login at most.'),
});
/** What `migrate` reads: a login that may change the schemas. */
export const migrationConfig = z.object({
  ETL_PERSISTENCE_ADMIN_URL: url.describe('For the command `migrate`: PostgreSQL with a login that owns the schemas (etl_owner) or may make them.'),
  ETL_PERSISTENCE_ADMIN_PASSWORD_FILE: file.describe('For the command `migrate`: file that holds the password of that login, for a URL without one.'),
});
