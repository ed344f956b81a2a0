import { TenantId } from '@agent-etl/contracts';
import type { QueryRunner } from 'typeorm';

/** Opens a transaction and says in the same message whose rows it may see: one trip to the server instead of two. Several statements travel together only
 * without parameters, so the id stands in the text; it has passed its schema, which admits hexadecimal digits and dashes alone.
 * @param tenantId null for a transaction of the relay login */
export async function begin(runner: QueryRunner, tenantId: string | null): Promise<void> {
  // Said before it is so: should the second statement fail, the first is rolled back.
  Object.assign(runner as unknown as { isTransactionActive: boolean; transactionDepth: number }, { isTransactionActive: true, transactionDepth: 1 });
  await runner.query(tenantId === null ? 'begin' : `begin; select set_config('app.tenant', '${TenantId.parse(tenantId)}', true)`);
}
