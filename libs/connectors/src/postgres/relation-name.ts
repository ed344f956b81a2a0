import { EtlError } from '@agent-etl/contracts';
import { type SqlIdentifier, SqlSafetyError, identifier, relationParts } from '@agent-etl/sql-safety';

export interface Relation { readonly schema: string; readonly table: string; readonly name: SqlIdentifier; readonly text: string }
const show = (part: string): string => (/^[^".]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`);

/** The relation that a dataset names. @throws EtlError `request.invalid` */
export function relationOf(dataset: string): Relation {
  const parts = relationParts(dataset);
  if (!parts) throw new EtlError('request.invalid', { pointer: dataset, problem: 'is no table', next: 'write schema.table; a name with a dot in it goes in double quotes' });
  const { schema, table } = parts;
  try {
    return { schema, table, name: identifier(schema, table), text: relationText(schema, table) };
  } catch (cause) {
    if (cause instanceof SqlSafetyError) throw new EtlError('request.invalid', { pointer: dataset, problem: cause.message }, { cause });
    throw cause;
  }
}
/** A relation as Postgres prints it, for `to_regclass`. */
export const quoted = ({ schema, table }: Pick<Relation, 'schema' | 'table'>): string => [schema, table].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
/** A relation as a user types it. */
export const relationText = (schema: string, table: string): string => `${show(schema)}.${show(table)}`;
