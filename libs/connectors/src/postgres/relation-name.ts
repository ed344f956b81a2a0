import { EtlError } from '@agent-etl/contracts';
import { type SqlIdentifier, SqlSafetyError, identifier } from '@agent-etl/sql-safety';

export interface Relation { readonly schema: string; readonly table: string; readonly name: SqlIdentifier; readonly text: string }
const PART = '("(?:[^"]|"")+"|[^".]+)';
const DATASET = new RegExp(`^(?:${PART}\\.)?${PART}$`);
const unquote = (part: string): string => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part);
const show = (part: string): string => (/^[^".]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`);

/** `schema.table`, `table` (schema public), or parts in double quotes when a name holds a dot. Names are taken as written: no folding of case.
 * @throws EtlError `name.invalid` */
export function relationOf(dataset: string): Relation {
  const [, schemaPart = 'public', tablePart] = DATASET.exec(dataset) ?? [];
  if (tablePart === undefined) throw new EtlError('name.invalid', { name: 'dataset', next: 'write schema.table' });
  const [schema, table] = [unquote(schemaPart), unquote(tablePart)];
  try {
    return { schema, table, name: identifier(schema, table), text: relationText(schema, table) };
  } catch (cause) {
    if (cause instanceof SqlSafetyError) throw new EtlError('name.invalid', { name: 'dataset', next: 'a name has at most 63 bytes and no NUL' }, { cause });
    throw cause;
  }
}
/** A relation as Postgres prints it, for `to_regclass`. */
export const quoted = ({ schema, table }: Pick<Relation, 'schema' | 'table'>): string => [schema, table].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
/** A relation as a user types it. */
export const relationText = (schema: string, table: string): string => `${show(schema)}.${show(table)}`;
