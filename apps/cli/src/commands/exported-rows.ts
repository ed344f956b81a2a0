import { EtlError, type QuarantinedRow } from '@agent-etl/contracts';

const OURS = '_etl_';
const keysOf = (raw: string): string[] | null => {
  try {
    const value = JSON.parse(raw) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : null;
  } catch {
    return null;
  }
};
/** Rows in quarantine as lines of JSON: what names a row in front, then its cells as they were read, every digit of them. A row that could not be read has its text in
 * `_etl_raw`, and the columns of the others to fill in. */
export function exportedLines(rows: readonly QuarantinedRow[]): string {
  const parsed = rows.map((row) => ({ row, keys: keysOf(row.raw) }));
  const all = [...new Set(parsed.flatMap(({ keys }) => keys ?? []))];
  return parsed.map(({ row: { id, pipeline, row, reason, raw }, keys }) => {
    const head: [string, unknown][] = [['id', id], ['pipeline', pipeline], ['row', row], ['reason', reason], ...(keys ? [] : [['raw', raw] as [string, unknown]])];
    const missing = all.filter((name) => !keys?.includes(name)).map((name) => `${JSON.stringify(name)}:null`);
    const cells = keys?.length ? [raw.trim().slice(1, -1).replaceAll(/\s*[\r\n]+\s*/g, ' ').trim()] : [];
    return `{${[...head.map(([name, value]) => `${JSON.stringify(OURS + name)}:${JSON.stringify(value)}`), ...cells, ...missing].join(',')}}\n`;
  }).join('');
}

/** Rows that a file of mended rows may bring back. Those of a run that was not green are not missing beside anything that it published. A row that was read and set aside again by a later run is
 * one row, and where each run replaces its target only the latest counts.
 * @param of how the pipeline loads, and whether a run has published */
export function missingRows(rows: readonly QuarantinedRow[], { load, isGreen }: { readonly load: string | undefined; isGreen(runId: string): boolean }): QuarantinedRow[] {
  const published = rows.filter(({ runId }) => isGreen(runId));
  const latest = new Map<string, string>();
  for (const { runId, raw } of published) latest.set(load === 'replace' ? '' : raw, runId); // ids rise, so the last one stays
  return published.filter(({ runId, raw }) => latest.get(load === 'replace' ? '' : raw) === runId);
}

/** What a file of mended rows brings back. @property ids such as 3,5-9 @property columns names of their cells */
export interface Replay { readonly pipeline: string; readonly ids: string; readonly columns: readonly string[] & [string, ...string[]] }
/** @throws EtlError `data.format-invalid` with the line */
export function replayOf(file: string, text: string): Replay {
  const wrong = (line: number, problem: string): EtlError => new EtlError('data.format-invalid', { file, format: 'ndjson', place: `line ${line}`, problem, next: 'keep _etl_id and _etl_pipeline of every row as they were exported; a row that is not mended may be left out' });
  const ids: number[] = [];
  const pipelines = new Set<string>();
  const columns = new Set<string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const keys = keysOf(line);
    if (!keys) throw wrong(index + 1, 'it is no JSON object');
    const row = JSON.parse(line) as Record<string, unknown>;
    const { [`${OURS}id`]: id, [`${OURS}pipeline`]: pipeline } = row;
    if (!Number.isSafeInteger(id) || typeof pipeline !== 'string') throw wrong(index + 1, 'it does not say which row it stands for');
    if (ids.includes(id as number)) throw wrong(index + 1, `row ${id as number} stands there twice`);
    ids.push(id as number);
    pipelines.add(pipeline);
    for (const key of keys) if (!key.startsWith(OURS)) columns.add(key);
  }
  const [pipeline, other] = pipelines;
  const [first, ...more] = columns;
  if (pipeline === undefined || first === undefined) throw wrong(1, 'it holds no rows');
  if (other !== undefined) throw wrong(1, `it holds rows of ${pipeline} and of ${other}`);
  return { pipeline, ids: rangesText(ids), columns: [first, ...more] };
}
/** 3, 5, 6 and 7 as 3,5-7. */
export function rangesText(ids: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === id - 1) last[1] = id; else ranges.push([id, id]);
  }
  return ranges.map(([low, high]) => (low === high ? String(low) : `${low}-${high}`)).join(',');
}
