import type { Column, Profile, Transform } from '@agent-etl/contracts';
import { type Fused, nativeOf } from '@agent-etl/sql-safety';
import { passedAs } from './rules/steps.ts';

/** A source as its readers see it behind the steps: their columns, and of keys and indexes what passes. The fingerprint stays that of the source.
 * @returns the task's transform beside it */
export function transformed(source: Profile, { columns, where }: Fused): { readonly source: Profile; readonly transform: Transform } {
  const transform: Transform = { input: source.columns.map(({ name, type, native }) => ({ name, type, native })), columns: columns.map(({ name, expr }) => ({ name, expr })), where };
  const dialect = source.connector === 'postgres' ? 'postgres' : 'duckdb';
  const seen = columns.map(({ name, expr, type }): Column => {
    const own = expr.k === 'col' ? source.columns.find((column) => column.name === expr.name) : undefined;
    return own ? { name, type: own.type, native: own.native, nullable: own.nullable } : { name, type, native: nativeOf(dialect, type) ?? 'text', nullable: true };
  });
  const passed = (key: readonly string[]): string[] | null => {
    const names = key.map((name) => passedAs(transform, name));
    return names.every((name) => name !== null) ? names as string[] : null;
  };
  const all = (keys: readonly string[][]): string[][] => keys.flatMap((key) => { const as = passed(key); return as ? [as] : []; });
  const stats = Object.entries(source.columnStats).flatMap(([name, stat]) => { const as = passedAs(transform, name); return as === null ? [] : [[as, stat] as const]; });
  return { transform, source: {
    ...source, columns: seen, primaryKey: source.primaryKey && passed(source.primaryKey), uniqueKeys: all(source.uniqueKeys),
    indexes: all(source.indexes), columnStats: Object.fromEntries(stats), rowsExact: source.rowsExact && where === null,
    ...(source.notices ? { notices: source.notices.filter(({ column }) => passedAs(transform, column) === column) } : {}),
  } };
}
