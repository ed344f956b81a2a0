import type { StepEngine } from '@agent-etl/contracts';
import { grouped, megabytes } from './decide.ts';
import type { HeldState } from './held-state-rules.ts';

/** What the machines have.
 * @property memoryBytes that the engine of one attempt keeps in memory; what it needs beyond goes to its disk
 * @property spark whether a Spark is configured */
export interface EngineMeans { readonly memoryBytes: number; readonly spark: 'configured' | 'none' }
/** asked: the request names it · single-rows: nothing is held · at-the-source: the database of the source holds it · fits: in memory · spills: it does not fit, and there is no other machine · outgrown: Spark holds it */
export type ChoiceCode = 'asked' | 'single-rows' | 'at-the-source' | 'fits' | 'spills' | 'outgrown';
/** Which engine computes the steps, and why. */
export interface EngineChoice { readonly engine: StepEngine; readonly code: ChoiceCode; readonly text: string }

/** @property beside the engine beside the source, or DuckDB where rows are handed to it
 * @property state what the steps have to hold at once; null: nothing
 * @property problem why Spark cannot compute these steps, in a clause; null where it can */
export interface Choosing { readonly asked: StepEngine | undefined; readonly beside: StepEngine; readonly state: HeldState | null; readonly means: EngineMeans; readonly problem: string | null }

const NAMES: Readonly<Record<HeldState['op'], string>> = { rows: 'a filter', group: 'the groups', first: 'the dedupe', limit: 'the limit', window: 'the window', flatten: 'the lists', unpivot: 'the columns', join: 'the join', query: 'the query', union: 'the union' };
const figures = ({ op, rows, width, bytes }: HeldState): string => `${NAMES[op]} may have to hold ${grouped(rows)} rows of ${width} bytes at once, ${megabytes(bytes)}`;

/** The engine beside the source, unless what has to be held outgrows its memory and a Spark is there that can compute the steps. */
export function chooseEngine({ asked, beside, state, means: { memoryBytes, spark }, problem }: Choosing): EngineChoice {
  const memory = megabytes(memoryBytes);
  if (asked !== undefined) return { engine: asked, code: 'asked', text: state ? sentence(figures(state)) : 'Nothing is held: rows go through one by one.' };
  if (!state) return { engine: beside, code: 'single-rows', text: 'Steps over single rows keep none of them: more machines would only be more ways for the rows to go.' };
  if (beside === 'postgres') return { engine: beside, code: 'at-the-source', text: sentence(`${figures(state)}; PostgreSQL holds it where the rows lie, in its own memory and on its own disk, and they would travel to Spark first`) };
  if (state.bytes <= memoryBytes) return { engine: beside, code: 'fits', text: sentence(`${figures(state)}; the engine of a worker keeps ${memory} in memory`) };
  const spilling = `${figures(state)}; the engine of a worker keeps ${memory} in memory and spills the other ${megabytes(state.bytes - memoryBytes)} to its disk`;
  if (spark === 'none') return { engine: beside, code: 'spills', text: sentence(`No Spark is configured. ${sentence(spilling)}`) };
  if (problem !== null) return { engine: beside, code: 'spills', text: sentence(`${sentence(spilling)} Spark would hold it, but ${problem}`) };
  return { engine: 'spark', code: 'outgrown', text: sentence(`${figures(state)}; the engine of a worker keeps ${memory} in memory and would spill the other ${megabytes(state.bytes - memoryBytes)} to its disk`) };
}
/** Begins with a capital and ends with one point. */
const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1).replace(/\.$/, '')}.`;
