import { EtlError } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { Publishing } from './publishing.ts';
import { quoted } from './relation-name.ts';

const sql = sqlFor('postgres');

/** Foreign keys of other tables that point to the target. Asked before rows of it are deleted.
 * @throws EtlError `sink.constraint-violated` naming one that would delete or change rows of another table along with it */
export async function referencesTo({ session, relation }: Pick<Publishing, 'session' | 'relation'>): Promise<number> {
  const references = await session.run<{ name: string; reaches: boolean }>(compile(sql`SELECT conname AS name, confdeltype IN ('c', 'n', 'd') AS reaches
    FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass(${quoted(relation)}) AND conrelid <> confrelid`));
  const reaching = references.find(({ reaches }) => reaches);
  if (reaching) throw new EtlError('sink.constraint-violated', { constraint: `deleting rows reaches into another table by ${reaching.name}`, next: 'load: upsert keeps the rows that others refer to' });
  return references.length;
}
