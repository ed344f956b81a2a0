import { EtlError } from '@agent-etl/contracts';
import type { ColumnOptions } from 'typeorm';
import type { z } from 'zod';

/** A jsonb column whose value is parsed with its schema when it is written and when it is read, so a row that was broken by hand is noticed.
 * The column takes NULL when the schema takes null.
 * @param name column name, when it differs from the property's
 * @throws EtlError `platform.internal` while saving or loading, with the parse error as cause */
export function jsonColumn(schema: z.ZodType, name?: string): ColumnOptions {
  const parse = (value: unknown): unknown => {
    if (value === undefined) return undefined;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new EtlError('platform.internal', { traceId: 'none' }, { cause: parsed.error });
  };
  return { type: 'jsonb', ...(name ? { name } : {}), nullable: schema.safeParse(null).success, transformer: { to: parse, from: parse } };
}
