import { type Column, type HandOff, type OtherInput, type Profile, type StepEngine, type Transform, DatasetRef, isRowWise, leavesOut } from '@agent-etl/contracts';
import { type Fused, type FusedColumn, nativeOf } from '@agent-etl/sql-safety';
import type { MapColumn } from './decide.ts';
import { besideOf } from './step-engine.ts';

interface Beside { readonly engine: StepEngine; readonly others: readonly Profile[]; readonly mapColumn: MapColumn }
/** A source as its readers see it behind the steps: their columns, and of keys and indexes what passes. The fingerprint stays that of the source.
 * Columns that were grouped by are a key of the groups; keys of the rows before are not. Behind a hand-off, and behind Spark, rows are those of a file. */
export function transformed(source: Profile, { columns, stages, handOff }: Fused, { engine = besideOf(source), others = [], mapColumn = () => null }: Partial<Beside> = {}): { readonly source: Profile; readonly transform: Transform } {
  const input = source.columns.map(({ name, type, native, nullable }) => ({ name, type, native, nullable }));
  const onSpark = engine === 'spark';
  const asSource = (fused: readonly FusedColumn[]): Column[] => fused.map((column) => (onSpark ? computedOf : seenOf)(column, source));
  const transform: Transform = { input, engine: handOff ? 'duckdb' : engine, stages: [...stages], ...(others.length ? { inputs: others.map((other, index) => inputOf(other, usedOf(stages, index))) } : {}),
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
    ...rest, ...(handOff ? { connector: 'file' } : onSpark ? { connector: 'file', system: 'files of Spark' } : {}), columns: seen, primaryKey: rowWise && source.primaryKey ? all([source.primaryKey])[0] ?? null : null, uniqueKeys: rowWise ? all(source.uniqueKeys) : [], indexes: rowWise ? all(indexes) : [],
    columnStats: rowWise ? stays(source.columnStats) : {}, rowsExact: source.rowsExact && !leavesOut(transform), pages: rowWise && !onSpark ? source.pages : null,
    ...(rowWise && !onSpark && range !== undefined && passedAs(range) === range ? { range } : {}), ...(notices ? { notices: notices.filter(({ column }) => passedAs(column) === column) } : {}),
  } };
}

function seenOf({ name, source: from, type, padded }: FusedColumn, source: Profile): Column {
  const own = from === null ? undefined : source.columns.find((column) => column.name === from);
  return own ? { name, type: own.type, native: own.native, nullable: own.nullable || padded === true } : { name, type, native: nativeOf(besideOf(source), type) ?? 'text', nullable: true };
}
/** What Spark computed comes back as files of DuckDB's types. */
function computedOf(column: FusedColumn, source: Profile): Column {
  const { name, type, nullable } = seenOf(column, source);
  return { name, type, nullable, native: nativeOf('duckdb', type) ?? 'VARCHAR' };
}
/** Columns of another dataset that stages use; null: all. */
function usedOf(stages: Fused['stages'], index: number): ReadonlySet<string> | null {
  const used = new Set<string>();
  for (const stage of stages) {
    if (stage.op === 'union' && stage.inputs.includes(index)) return null;
    if (stage.op === 'query') for (const relation of stage.relations.filter(({ input }) => input === index)) for (const name of relation.columns) used.add(name);
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
