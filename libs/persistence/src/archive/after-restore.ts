import { type App, apps, readBy } from '@agent-etl/contracts';
import type pg from 'pg';
import type { Schema } from '../state-database.ts';

const schemaOf: Readonly<Record<App, Schema>> = { orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' };

/** Messages that were sent, but whose reader had not taken them when the backup was made, are sent again: their effect is in no row. Readers know what they have seen.
 * @returns how many */
export async function sendAgain(client: pg.Client, present: readonly string[]): Promise<number> {
  let resent = 0;
  for (const app of apps.filter((one) => present.includes(schemaOf[one]))) {
    const reader = schemaOf[app];
    for (const writer of present) {
      const { rowCount } = await client.query(`update ${writer}.outbox as said set sent_at = null
        where sent_at is not null and headers ->> 'ce_type' = any($1::text[])
          and not exists (select from ${reader}.inbox as seen where seen.tenant_id = said.tenant_id and seen.app = $2 and seen.ce_id = said.ce_id)
          and not exists (select from ${reader}.parked as waiting where waiting.tenant_id = said.tenant_id and waiting.headers ->> 'ce_id' = said.ce_id::text)
          and not exists (select from ${reader}.dead_letter as dead where dead.tenant_id = said.tenant_id and dead.headers ->> 'ce_id' = said.ce_id::text)`, [readBy(app), app]);
      resent += rowCount ?? 0;
    }
  }
  return resent;
}
