import { type Decision, EtlError, type Expr, type Transform } from '@agent-etl/contracts';
import { type CopyInput, decide, named, plural } from '../decide.ts';

/** Engines whose sources compute steps in the statement that reads. */
const ABLE: readonly string[] = ['postgres', 'file'];

/** Where the steps of a pipeline are computed.
 * @throws EtlError `request.unsupported` for a source that cannot */
export function ruleSteps({ pipeline, source, transform }: CopyInput): Decision[] {
  if (!transform) return [];
  if (!ABLE.includes(source.connector)) throw new EtlError('request.unsupported', { found: `steps from ${source.connector}`, allowed: 'a view at the source, or a source that is PostgreSQL or a file' });
  const computed = transform.columns.filter(({ name, expr }) => !isColumn(expr, name)).map(({ name }) => name);
  const left = transform.input.length - transform.columns.filter(({ expr }) => expr.k === 'col').length;
  const parts = [...(transform.where ? ['a filter'] : []), ...(computed.length ? [`${plural(computed.length, 'column')} made anew (${named(computed.slice(0, 5))})`] : []), ...(left > 0 ? [`${plural(left, 'column')} left out`] : [])];
  const where = source.connector === 'postgres' ? 'in the statement that reads the table' : 'in the statement that reads the file';
  return [decide('steps', parts.join(', ') || 'none that changes a row', {
    why: ['fused', `${plural(pipeline.steps?.length ?? 0, 'step')} over single rows are computed ${where}: every row is read once.`],
    rejected: [['a pass of its own', 'Every row would be written and read once more.']] })];
}
const isColumn = (expr: Expr, name: string): boolean => expr.k === 'col' && expr.name === name;

/** Whether a column passes the steps as it is, and under which name. */
export const passedAs = ({ columns }: Transform, name: string): string | null => columns.find(({ expr }) => expr.k === 'col' && expr.name === name)?.name ?? null;
