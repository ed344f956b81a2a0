import { type Column, type DatasetSketch, EtlError, type SketchTask } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile, identifier, literal } from '@agent-etl/sql-safety';
import type { SketchOptions } from '../port.ts';
import { exponentFor } from '../sketch/histogram-rules.ts';
import { type SketchPart, finestFor, measureOf, toldColumns } from '../sketch/sketch-rules.ts';
import { type Asked, sketchPiece } from '../sketch/sketch-sql.ts';
import { type Duck, sql } from './duck-sql.ts';
import type { FileGate } from './file-gate.ts';
import { profileFile } from './file-profile.ts';
import { selectFile } from './file-sql.ts';
import { openSource } from './opened-source.ts';

/** Buffers of the engine; its process takes about 100 MB more, so a profile stays below half a gigabyte whatever the file holds. */
const MEMORY_BYTES = 320 * 1024 * 1024;
const REPORT_MS = 1000;

/** Profiles the values of a file or of the files of a folder, in the locked child. Columns of a Parquet file are read one by one; a text is read as a whole, as often as it takes.
 * @throws EtlError as reading the file does; `query.timeout` when the bound of time is met */
export async function sketchFile(gate: FileGate, task: SketchTask, { scratch, signal, onRows }: SketchOptions & { scratch: string }): Promise<DatasetSketch> {
  const begunAt = performance.now();
  const profile = await profileFile(gate, task.source.dataset, { as: 'source', scratch });
  const mapped = profile.columns.map(({ name, type, native, nullable }) => ({ source: name, target: name, type, sourceNative: native, targetNative: native, nullable }));
  const file = await openSource(gate, { source: task.source, options: profile.options, sourceFingerprint: profile.fingerprint, columns: mapped }, scratch);
  try {
    const duck = await DuckChild.start({ about: task.source.dataset, scratch, files: file.files.map(({ path }) => path), memoryBytes: MEMORY_BYTES });
    const beat = setInterval(() => { onRows(0); }, REPORT_MS);
    try {
      // An ordered end costs the engine its second thread: it is asked for only where it may be met.
      const isBounded = profile.rows * 2 > task.most.rows;
      const rows = sql`(${selectFile(file.files, file.plan, mapped)}${isBounded ? sql` LIMIT ${literal('duckdb', task.most.rows)}` : sql``}) AS piece`;
      const part = await read(duck, { columns: profile.columns, rows, each: file.plan.format === 'parquet' ? 'by-itself' : 'together' }, { signal, seconds: task.most.seconds });
      onRows(part.rows);
      const [version] = await duck.query(compile(sql`SELECT version() AS version`), signal);
      return { ...task.source, fingerprint: profile.fingerprint, engine: `DuckDB ${String(version?.['version'] ?? '')}`, takenAt: new Date().toISOString(), seconds: Math.round(performance.now() - begunAt) / 1000,
        rows: part.rows, ofRows: Math.max(part.rows, profile.rows), whole: !isBounded || part.rows < task.most.rows, pieces: 1, columns: toldColumns(profile.columns, part) };
    } finally {
      clearInterval(beat);
      await duck.stop();
    }
  } finally {
    await file.drop();
  }
}

interface Reading { readonly columns: readonly Column[]; readonly rows: Duck; readonly each: 'by-itself' | 'together' }
async function read(duck: DuckChild, { columns, rows, each }: Reading, { signal, seconds }: { signal: AbortSignal; seconds: number }): Promise<SketchPart> {
  const late = new AbortController();
  const timer = setTimeout(() => { late.abort(new EtlError('query.timeout', { reason: `a profile may take ${seconds} s` })); }, seconds * 1000);
  const within = AbortSignal.any([signal, late.signal]);
  const asked = columns.map(measured);
  const groups = each === 'together' ? [asked] : asked.map((column) => [column]);
  const parts: SketchPart[] = [];
  try {
    for (const group of groups) parts.push(await sketchPiece({ dialect: 'duckdb', columns: group, from: rows, ask: (statement) => duck.query(compile(statement), within) }));
  } finally {
    clearTimeout(timer);
  }
  return { rows: parts[0]?.rows ?? 0, columns: parts.flatMap((part) => part.columns) };
}

/** Columns c0, c1, … with the types that travel. */
function measured({ type: { kind } }: Column, index: number): Asked<'duckdb'>['columns'][number] {
  const cell = sql`${identifier(`c${index}`)}`;
  return { cell, ...scaled(cell, kind), hash: sql`CASE WHEN ${cell} IS NOT NULL THEN hash(${cell}) END`, exponent: (ends) => exponentFor(ends, finestFor(kind)) };
}
/** Where a value lies, and what is shown of the ends. Of texts, documents and bytes only lengths. */
function scaled(cell: Duck, kind: Column['type']['kind']): { shown: Duck; at: Duck } {
  switch (measureOf(kind)) {
    case 'none': return { shown: sql`CAST(NULL AS VARCHAR)`, at: sql`CAST(NULL AS DOUBLE)` };
    case 'length': { const length = kind === 'bytes' ? sql`octet_length(${cell})` : sql`length(${cell})`; return { shown: length, at: sql`CAST(${length} AS DOUBLE)` }; }
    case 'seconds': return { shown: cell, at: kind === 'time' ? sql`epoch(${cell})` : sql`CASE WHEN isfinite(${cell}) THEN epoch(${cell}) END` };
    case 'value': {
      if (kind === 'bool') return { shown: sql`CAST(${cell} AS INTEGER)`, at: sql`CAST(CAST(${cell} AS INTEGER) AS DOUBLE)` };
      return { shown: cell, at: kind === 'f32' || kind === 'f64' ? sql`CASE WHEN abs(${cell}) <= 1e300 THEN CAST(${cell} AS DOUBLE) END` : sql`CAST(${cell} AS DOUBLE)` };
    }
  }
}
