import type { ColumnMapping } from '@agent-etl/contracts';

/** Characters that a target column takes at most, null where it sets no limit. */
export function lengthLimit({ targetNative }: Pick<ColumnMapping, 'targetNative'>): number | null {
  const limit = /^(?:character varying|character|varchar|char|bpchar)\((\d+)\)$/i.exec(targetNative)?.[1];
  return limit === undefined ? null : Number(limit);
}
