import type { ColumnMapping, Column, Decision, Pipeline, Policy, Profile, StepEngine, Transform } from '@agent-etl/contracts';
import type { EngineChoice } from './engine-choice-rules.ts';

/** How the connector of a target would spell a column, or null when it has no type that holds it without loss. */
export type MapColumn = (sinkConnector: string, column: Column) => { native: string } | null;

/** Everything a plan is made of. Equal input gives an equal plan.
 * @property parallel pieces that may move at once; 2 when left out, never above 4
 * @property earlierRuns green runs of this pipeline into this target so far
 * @property before what the source was when the latest of them was planned */
export interface CopyInput {
  readonly pipeline: Pipeline; readonly source: Profile; readonly target: Profile; readonly policy: Policy; readonly mapColumn: MapColumn;
  readonly parallel?: number; readonly earlierRuns?: number; readonly before?: Profile | null;
  /** What the steps come to; `source` is then what they make of it. */
  readonly transform?: Transform;
  /** What computes them; absent without steps. */
  readonly engine?: StepEngine;
  /** Why it is that one; absent without steps. */
  readonly choice?: EngineChoice;
}
/** What one rule says, with the sentences a person has to read before approving. */
export interface Ruled<T> { readonly value: T; readonly decisions: readonly Decision[]; readonly risks: readonly string[] }
export type Columns = readonly ColumnMapping[];

type Why = readonly [code: string, text: string];
type Lost = readonly [choice: string, because: string];
/** A Decision of the rules; a `person` chose what the request itself says. */
export const decide = (question: Decision['question'], choice: string, said: { why: Why; rejected: readonly [Lost, ...Lost[]]; by?: Decision['by'] }): Decision => ({
  question, choice, by: said.by ?? 'rules', reason: { code: said.why[0], text: said.why[1] },
  rejected: said.rejected.map(([lost, because]) => ({ choice: lost, because })),
});

/** 2984094 -> 2,984,094. */
export const grouped = (count: number): string => String(Math.round(count)).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
/** Megabytes of 10^6 bytes, as disks and screens count. */
export const megabytes = (bytes: number): string => (bytes < 1e6 ? `${grouped(Math.ceil(bytes / 1e3))} kB` : `${grouped(bytes / 1e6)} MB`);
export const plural = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
export const named = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
/** A target counts as empty only where that is certain: statistics of a table that nobody analysed say 0 as well. */
export const isEmpty = ({ exists, rows, rowsExact, bytes }: Profile): boolean => exists && rows === 0 && (rowsExact || bytes === 0);
export const sameNames = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((name) => b.includes(name));
