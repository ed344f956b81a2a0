import { type Decision, EtlError, isRowWise } from '@agent-etl/contracts';
import { type CopyInput, decide, named, plural } from '../decide.ts';

/** Engines whose sources compute steps in the statement that reads. */
const ABLE: readonly string[] = ['postgres', 'file'];

/** Where the steps of a pipeline are computed.
 * @throws EtlError `request.unsupported` for a source that cannot */
export function ruleSteps({ pipeline, source, transform }: CopyInput): Decision[] {
  if (!transform) return [];
  if (!ABLE.includes(source.connector)) throw new EtlError('request.unsupported', { found: `steps from ${source.connector}`, allowed: 'a view at the source, or a source that is PostgreSQL or a file' });
  const kinds = (pipeline.steps ?? []).map((step) => Object.keys(step)[0] ?? '');
  const made = source.columns.filter(({ name }) => !transform.input.some((column) => column.name === name)).map(({ name }) => name);
  const where = source.connector === 'postgres' ? 'in the statement that reads the table' : 'in the statement that reads the file';
  const rowWise = isRowWise(transform);
  return [decide('steps', `${kinds.join(', ')}, while the source is read`, {
    why: ['fused', `${plural(kinds.length, 'step')} ${rowWise ? 'over single rows ' : ''}are computed ${where}${made.length ? `; new there: ${named(made.slice(0, 5))}` : ''}.`],
    rejected: [rowWise ? ['a pass of its own', 'Every row would be written and read once more.'] : ['group at the target', `${plural(source.rows, 'row')} would travel instead of their groups.`]] })];
}
