import type { ColumnType, Stage, UnionStage } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import { Refusal } from '../refusal.ts';
import type { FusedColumn } from './state.ts';
import { type LoweredJoin, checkJoin } from './join.ts';
import { unionColumns } from './union.ts';

/** Datasets that stages join or unite. */
export const joinsIn = (stages: readonly { readonly op: string; readonly inputs?: readonly number[]; readonly relations?: readonly unknown[] }[]): number => stages.reduce((sum, { op, inputs = [], relations = [] }) => sum + (op === 'join' ? 1 : op === 'union' ? inputs.length : relations.length), 0);

/** A join or a union as a stage, with the columns behind it.
 * @throws Refusal what `checkJoin` and `unionColumns` refuse */
export function combine(step: LoweredJoin | UnionStage, held: readonly FusedColumn[], inputs: readonly InputColumns[]): { readonly stage: Stage; readonly columns: readonly FusedColumn[] } {
  const left = new Map<string, ColumnType>(held.map(({ name, type }) => [name, type]));
  if (step.op === 'union') {
    const columns = unionColumns(step, [left, ...step.inputs.map((index) => columnsAt(inputs, index))]);
    return { stage: { ...step, inputs: [...step.inputs] }, columns: [...columns].map(([name, type]) => ({ name, type, source: null })) };
  }
  const { take } = checkJoin(step, { left, right: columnsAt(inputs, step.input) });
  const padsLeft = step.kind === 'right' || step.kind === 'full';
  return {
    stage: { ...step, take: take.map(({ column, as }) => ({ column, as })) },
    columns: [...held.map((column) => (padsLeft ? { ...column, padded: true } : column)), ...take.map(({ as, type }): FusedColumn => ({ name: as, type, source: null }))],
  };
}
function columnsAt(inputs: readonly InputColumns[], index: number): InputColumns {
  const columns = inputs[index];
  if (!columns) throw new Refusal('IR_SHAPE', 'There is no such input');
  return columns;
}
