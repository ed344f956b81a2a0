import { EtlError, type TargetChange } from '@agent-etl/contracts';
import { identifier, sqlFor, typeName } from '@agent-etl/sql-safety';
import { describeColumns } from './describe-relation.ts';
import { type Publishing, run } from './publishing.ts';

const sql = sqlFor('postgres');

/** Gives the target the shape that the plan says, inside the publish transaction: readers see the old shape with the old rows, or the new one with the new.
 * What is so already stays as it is.
 * @throws EtlError `plan.stale` when a column is neither what it was when the plan was made nor what it is to be */
export async function evolveTarget(publishing: Publishing): Promise<void> {
  const { task: { evolve = [] }, session, relation } = publishing;
  if (evolve.length === 0) return;
  const columns = new Map((await describeColumns(session, relation)).map(({ name, native }) => [name, native]));
  for (const change of evolve) await make(publishing, change, columns.get(change.column));
}
async function make(publishing: Publishing, change: TargetChange, found: string | undefined): Promise<void> {
  const { relation } = publishing;
  if (found === change.native) return;
  if (found !== (change.change === 'add' ? undefined : change.from)) throw new EtlError('plan.stale');
  const [column, type] = [identifier(change.column), typeName('postgres', change.native)];
  await run(publishing, change.change === 'add' ? sql`ALTER TABLE ${relation.name} ADD COLUMN ${column} ${type}` : sql`ALTER TABLE ${relation.name} ALTER COLUMN ${column} TYPE ${type}`, 'ALTER');
}
