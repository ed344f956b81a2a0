import type { Stage } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import type { ExprDialect } from '../render/types.ts';

/** Whether Spark has the stage; one that it has not is refused by name when it is planned. */
const onSpark: Readonly<Record<Stage['op'], boolean>> = { rows: true, group: true, first: true, limit: true, flatten: false, join: false, query: false, union: false, unpivot: false, window: false };

/** @throws Refusal `SQL_NO_FORM` for a stage that the engine has no form for */
export function assertStage(dialect: ExprDialect, { op }: Pick<Stage, 'op'>): void {
  if (dialect === 'spark' && !onSpark[op]) throw new Refusal('SQL_NO_FORM', `This step (${op}) is not available on spark; leave engine out`);
}
