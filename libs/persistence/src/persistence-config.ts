import { z } from 'zod';

const url = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' });
/** What a deployed service reads to reach its state. */
export const persistenceConfig = z.object({
  ETL_PERSISTENCE_URL: url.describe("PostgreSQL (>= 14) with the service's own login, such as postgres://monitor:…@host/etl."),
  ETL_PERSISTENCE_RELAY_URL: url.describe('The same database with the login etl_relay.'),
  ETL_PERSISTENCE_POOL: z.coerce.number().int().min(1).max(100).default(6).describe('Connections of the own login at most.'),
});
