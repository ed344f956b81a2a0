import { TenantId } from '@agent-etl/contracts';
import type { QueryRunner } from 'typeorm';
import { clockText } from './tenant-tx.ts';

interface Client { query(text: string): Promise<{ rows: { at?: string }[] }[]> }

/** Opens a transaction, says whose rows it may see and asks what time it is, in one message: one trip to the server instead of three. Several statements travel together
 * only without parameters, so the id stands in the text; it has passed its schema, which admits hexadecimal digits and dashes alone.
 * @param tenantId null for a transaction of the relay login
 * @returns the database clock, null for the relay login */
export async function begin(runner: QueryRunner, tenantId: string | null): Promise<string | null> {
  const client = (await runner.connect()) as Client; // the ORM keeps of several answers none
  // Said before it is so: should the second statement fail, the first is rolled back.
  Object.assign(runner as unknown as { isTransactionActive: boolean; transactionDepth: number }, { isTransactionActive: true, transactionDepth: 1 });
  if (tenantId === null) { await client.query('begin'); return null; }
  const answers = await client.query(`begin; select set_config('app.tenant', '${TenantId.parse(tenantId)}', true), ${clockText.text} as at`);
  return answers.at(-1)?.rows[0]?.at ?? null;
}
