import { type Column, type Profile, type StepEngine, type Transform, isRowWise, leavesOut } from '@agent-etl/contracts';
import { type Fused, nativeOf } from '@agent-etl/sql-safety';

/** A source as its readers see it behind the steps: their columns, and of keys and indexes what passes. The fingerprint stays that of the source.
 * Columns that were grouped by are a key of the groups; keys of the rows before are not. What Spark computed comes back as files, with the types of files. */
export function transformed(source: Profile, { columns, stages }: Fused, engine: StepEngine): { readonly source: Profile; readonly transform: Transform } {
  const transform: Transform = { input: source.columns.map(({ name, type, native, nullable }) => ({ name, type, native, nullable })), engine, stages: [...stages] };
  const dialect = engine === 'postgres' ? 'postgres' : 'duckdb';
  const rowWise = isRowWise(transform);
  const seen = columns.map(({ name, source: from, type }): Column => {
    const own = from === null ? undefined : source.columns.find((column) => column.name === from);
    return own ? { name, type: own.type, native: engine === 'spark' ? nativeOf('duckdb', own.type) ?? 'VARCHAR' : own.native, nullable: own.nullable } : { name, type, native: nativeOf(dialect, type) ?? (engine === 'spark' ? 'VARCHAR' : 'text'), nullable: true };
  });
  const passedAs = (name: string): string | null => (columns.find((column) => column.source === name && column.name === name) ?? columns.find((column) => column.source === name))?.name ?? null;
  const all = (keys: readonly string[][]): string[][] => keys.flatMap((key) => {
    const names = key.map(passedAs);
    return names.every((name) => name !== null) ? [names as string[]] : [];
  });
  const { indexes, range, notices, ...rest } = source;
  const stays = <K extends string, T>(record: Readonly<Record<K, T>>): Record<string, T> => Object.fromEntries(Object.entries(record).flatMap(([name, value]) => { const as = passedAs(name); return as === null ? [] : [[as, value as T]]; }));
  return { transform, source: {
    ...rest, columns: seen, primaryKey: rowWise && source.primaryKey ? all([source.primaryKey])[0] ?? null : null, uniqueKeys: rowWise ? all(source.uniqueKeys) : [], indexes: rowWise ? all(indexes) : [],
    columnStats: rowWise ? stays(source.columnStats) : {}, rowsExact: source.rowsExact && !leavesOut(transform), pages: rowWise && engine !== 'spark' ? source.pages : null, ...(engine === 'spark' ? { connector: 'file' as const, system: 'files of Spark' } : {}),
    ...(rowWise && engine !== 'spark' && range !== undefined && passedAs(range) === range ? { range } : {}), ...(notices ? { notices: notices.filter(({ column }) => passedAs(column) === column) } : {}),
  } };
}
