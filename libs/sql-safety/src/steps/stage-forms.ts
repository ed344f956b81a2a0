import type { Stage } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import type { FusedColumn } from './state.ts';

/** Whether Spark has the stage; one that it has not is refused by name when it is planned. */
const onSpark: Readonly<Record<Stage['op'], boolean>> = { rows: true, group: true, first: true, limit: true, flatten: true, join: true, query: false, union: true, unpivot: true, window: true };

/** @throws Refusal `SQL_NO_FORM` for a stage that the engine has no form for */
export function assertStage(dialect: ExprDialect, { op }: Pick<Stage, 'op'>): void {
  if (dialect === 'spark' && !onSpark[op]) throw new Refusal('SQL_NO_FORM', `This step (${op}) is not available on spark; leave engine out`);
}
/** Behind a stage Spark names the type of each value that it made; a column of the source only passes, whatever it is.
 * @throws Refusal `SQL_NO_FORM` */
export function assertMade(dialect: ExprDialect, columns: readonly Pick<FusedColumn, 'type' | 'source'>[]): void {
  if (dialect === 'spark') for (const { type, source } of columns) if (source === null) typeIn(dialect, type);
}
