import { EtlError, type Pipeline } from '@agent-etl/contracts';
import { nameOf } from '../addresses/derive-pipeline.ts';
import type { Replay } from './exported-rows.ts';

/** @property from the file of mended rows @property isFile whether the source of the pipeline is a file: then its rows were set aside before its steps, else behind them */
interface Replaying { readonly from: Pipeline['from']; readonly replay: Replay; readonly isFile: boolean }
type Steps = NonNullable<Pipeline['steps']>;

/** The pipeline that brings rows back: into the same target, by the same key, judged by the same checks, and through the steps that the rows have not gone through yet. What vanished
 * is of no account to it: it knows a few rows only.
 * @throws EtlError `request.unsupported` where the steps compute with values, which a file of mended rows has only as texts */
export function replayPipeline({ name, owner, from: { select }, to, checks, steps = [] }: Pipeline, { from, replay: { pipeline, ids, columns }, isFile }: Replaying): Pipeline {
  const { connection, dataset, load, key } = to;
  const again = isFile ? stepsAgain(name, steps) : [];
  return {
    version: 1, name: nameOf(`${name}_replay`), ...(owner ? { owner } : {}), from: again.length ? { ...from, ...(select ? { select } : {}) } : { ...from, select: select ?? [...columns] as [string, ...string[]] },
    to: load === 'upsert' || load === 'scd2' ? { connection, dataset, load, ...(key ? { key } : {}) } : { connection, dataset, load: 'append' },
    ...(again.length ? { steps: [{ select: [...columns] as [string, ...string[]] }, ...again] } : {}), ...(checks ? { checks } : {}), onFail: 'stop', replays: { pipeline, rows: ids },
  };
}
/** Names and types alone mean the same for a text as for the value that it spells. A cast that says no more than a type is what the target does by itself. */
function stepsAgain(name: string, steps: Steps): Steps {
  if (steps.every(({ cast }) => cast && cast.format === undefined && cast.onError !== 'null')) return [];
  const other = steps.flatMap((step) => Object.keys(step)).find((kind) => !['select', 'drop', 'rename', 'cast'].includes(kind));
  if (other !== undefined) throw new EtlError('request.unsupported', { found: `bringing rows back through the step ${other}`, allowed: `the source: mend the rows there, then: agent-etl run ${name}` });
  return steps.map((step) => (step.cast?.onError === 'quarantine' ? { cast: { ...step.cast, onError: 'fail' as const } } : step));
}
