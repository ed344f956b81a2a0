import { type ColumnType, EtlError, type Pipeline, type PlanView, Transform } from '@agent-etl/contracts';
import { nameOf } from '../addresses/derive-pipeline.ts';
import type { Replay } from './exported-rows.ts';

/** @property from the file of mended rows @property types of the columns that the steps of the pipeline begin with, as its plan has read them @property isFile whether the source of the pipeline is a file: then its rows were set aside before its steps, else behind them */
interface Replaying { readonly from: Pipeline['from']; readonly replay: Replay; readonly isFile: boolean; readonly types?: readonly Typed[] }
interface Typed { readonly name: string; readonly type: ColumnType }
type Steps = NonNullable<Pipeline['steps']>;

/** The pipeline that brings rows back: into the same target, by the same key, judged by the same checks, and through the steps that the rows have not gone through yet. What vanished
 * is of no account to it: it knows a few rows only.
 * @throws EtlError `request.unsupported` where the steps look at more than one row, or compute with values that no text becomes */
export function replayPipeline({ name, owner, from: { select }, to, checks, steps = [] }: Pipeline, { from, replay: { pipeline, ids, columns }, isFile, types = [] }: Replaying): Pipeline {
  const { connection, dataset, load, key } = to;
  const again = isFile ? stepsAgain(name, steps, types.filter((column) => columns.includes(column.name))) : [];
  return {
    version: 1, name: nameOf(`${name}_replay`), ...(owner ? { owner } : {}), from: again.length ? { ...from, ...(select ? { select } : {}) } : { ...from, select: select ?? [...columns] as [string, ...string[]] },
    to: load === 'upsert' || load === 'scd2' ? { connection, dataset, load, ...(key ? { key } : {}) } : { connection, dataset, load: 'append' },
    ...(again.length ? { steps: [{ select: [...columns] as [string, ...string[]] }, ...again] } : {}), ...(checks ? { checks } : {}), onFail: 'stop', replays: { pipeline, rows: ids },
  };
}
/** A file of mended rows has texts where the source had values: a cast makes the value of each text that it was, before the steps go on with it. A cast that says no more than a type is what the target does by itself. */
function stepsAgain(name: string, steps: Steps, types: readonly Typed[]): Steps {
  if (steps.every(({ cast }) => cast && cast.format === undefined && cast.onError !== 'null')) return [];
  const isTyped = types.length > 0 && types.every(({ type }) => type.kind === 'text' || writtenType(type) !== null);
  const byRow = ['select', 'drop', 'rename', 'cast', ...(isTyped ? ['filter', 'derive'] : [])];
  const other = steps.flatMap((step) => Object.keys(step)).find((kind) => !byRow.includes(kind));
  if (other !== undefined) throw new EtlError('request.unsupported', { found: `bringing rows back through the step ${other}`, allowed: `the source: mend the rows there, then: agent-etl run ${name}` });
  const values = types.flatMap(({ name: column, type }) => { const to = writtenType(type); return to === null || type.kind === 'text' ? [] : [{ cast: { column, to } }]; });
  return [...values, ...steps.map((step) => (step.cast?.onError === 'quarantine' ? { cast: { ...step.cast, onError: 'fail' as const } } : step))];
}
/** How a step writes a type, or null where no text becomes it. */
function writtenType({ kind, precision, scale = 0 }: ColumnType): string | null {
  if (kind === 'dec') return precision === undefined ? null : `decimal(${precision},${scale})`;
  return ({ bool: 'boolean', i16: 'smallint', i32: 'integer', i64: 'bigint', f64: 'double', text: 'text', date: 'date', ts: 'timestamp' } as Partial<Record<ColumnType['kind'], string>>)[kind] ?? null;
}
/** Columns that the steps of a plan begin with; none where it has no steps. */
export function typesBefore(plan: Pick<PlanView, 'tasks'> | null): readonly Typed[] {
  const read = Transform.safeParse(plan?.tasks.find(({ kind }) => kind === 'load')?.['transform']);
  return read.success ? read.data.input : [];
}
