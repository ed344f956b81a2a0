import { type Column, type HandOff, type OtherInput, type Profile, type Transform, DatasetRef, isRowWise, leavesOut } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type FusedColumn, nativeOf } from '@agent-etl/sql-safety';
import type { MapColumn } from './decide.ts';

/** The engine that computes the steps of a source. */
export const dialectOf = ({ connector }: Pick<Profile, 'connector'>): ExprDialect => (connector === 'postgres' ? 'postgres' : 'duckdb');

/** Where rows are handed to the engine child. Absent: the engine of the source reaches all inputs. */
export type Reaching = 'at-the-first-join' | 'at-once' | undefined;
/** One PostgreSQL connection is one statement under one picture. Anything else meets in DuckDB; what cannot compute steps hands its rows over as they are. */
export function handsOffOf({ connector, connection }: Pick<Profile, 'connector' | 'connection'>, others: readonly Pick<Profile, 'connection'>[]): Reaching {
  if (!others.length || (connector === 'postgres' && others.every((other) => other.connection === connection))) return undefined;
  return connector === 'postgres' || connector === 'file' ? 'at-the-first-join' : 'at-once';
}

interface Beside { readonly others: readonly Profile[]; readonly mapColumn: MapColumn }
/** A source as its readers see it behind the steps: their columns, and of keys and indexes what passes. The fingerprint stays that of the source.
 * Columns that were grouped by are a key of the groups; keys of the rows before are not. Behind a hand-off rows are those of a file. */
export function transformed(source: Profile, { columns, stages, handOff }: Fused, { others, mapColumn }: Beside = { others: [], mapColumn: () => null }): { readonly source: Profile; readonly transform: Transform } {
  const input = source.columns.map(({ name, type, native, nullable }) => ({ name, type, native, nullable }));
  const asSource = (fused: readonly FusedColumn[]): Column[] => fused.map((column) => seenOf(column, source));
  const transform: Transform = { input, stages: [...stages], ...(others.length ? { inputs: others.map((other, index) => inputOf(other, usedOf(stages, index))) } : {}),
    ...(handOff ? { handOff: { after: handOff.after, columns: asSource(handOff.columns).map(({ name, type, native, nullable }) => ({ name, type, native, nullable })) } satisfies HandOff } : {}) };
  const rowWise = isRowWise(transform);
  const seen = asSource(columns).map((column) => (handOff ? { ...column, native: mapColumn('file', column)?.native ?? column.native } : column));
  const passedAs = (name: string): string | null => (columns.find((column) => column.source === name && column.name === name) ?? columns.find((column) => column.source === name))?.name ?? null;
  const all = (keys: readonly string[][]): string[][] => keys.flatMap((key) => {
    const names = key.map(passedAs);
    return names.every((name) => name !== null) ? [names as string[]] : [];
  });
  const { indexes, range, notices, ...rest } = source;
  const stays = <K extends string, T>(record: Readonly<Record<K, T>>): Record<string, T> => Object.fromEntries(Object.entries(record).flatMap(([name, value]) => { const as = passedAs(name); return as === null ? [] : [[as, value as T]]; }));
  return { transform, source: {
    ...rest, ...(handOff ? { connector: 'file' } : {}), columns: seen, primaryKey: rowWise && source.primaryKey ? all([source.primaryKey])[0] ?? null : null, uniqueKeys: rowWise ? all(source.uniqueKeys) : [], indexes: rowWise ? all(indexes) : [],
    columnStats: rowWise ? stays(source.columnStats) : {}, rowsExact: source.rowsExact && !leavesOut(transform), pages: rowWise ? source.pages : null,
    ...(rowWise && range !== undefined && passedAs(range) === range ? { range } : {}), ...(notices ? { notices: notices.filter(({ column }) => passedAs(column) === column) } : {}),
  } };
}

function seenOf({ name, source: from, type, padded }: FusedColumn, source: Profile): Column {
  const own = from === null ? undefined : source.columns.find((column) => column.name === from);
  return own ? { name, type: own.type, native: own.native, nullable: own.nullable || padded === true } : { name, type, native: nativeOf(dialectOf(source), type) ?? 'text', nullable: true };
}
/** Columns of another dataset that stages use; null: all. */
function usedOf(stages: Fused['stages'], index: number): ReadonlySet<string> | null {
  const used = new Set<string>();
  for (const stage of stages) {
    if (stage.op === 'union' && stage.inputs.includes(index)) return null;
    if (stage.op !== 'join' || stage.input !== index) continue;
    const preferred = (stage.prefer ?? []).flatMap(({ e }) => (e.k === 'col' ? [e.name] : []));
    for (const name of [...stage.on.map(({ right }) => right), ...stage.take.map(({ column }) => column), ...preferred]) used.add(name);
  }
  return used;
}
function inputOf({ connection, dataset, columns, fingerprint, options }: Profile, used: ReadonlySet<string> | null): OtherInput {
  const isUsed = ({ name }: Column): boolean => used === null || used.has(name);
  return { source: DatasetRef.parse({ connection, dataset }), fingerprint, options, columns: columns.filter(isUsed).map(({ name, type, native, nullable }) => ({ name, type, native, nullable })), unread: columns.filter((column) => !isUsed(column)).map(({ name }) => name) };
}
