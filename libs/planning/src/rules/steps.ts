import { type Decision, EtlError, type Transform, isRowWise, leavesOut } from '@agent-etl/contracts';
import { type CopyInput, decide, named, plural } from '../decide.ts';

/** Engines whose sources compute steps in the statement that reads. */
const ABLE: readonly string[] = ['postgres', 'file'];

/** Where the steps of a pipeline are computed.
 * @throws EtlError `request.unsupported` for a source that cannot */
export function ruleSteps({ pipeline, source, transform }: CopyInput): Decision[] {
  if (!transform) return [];
  if (!ABLE.includes(source.connector)) throw new EtlError('request.unsupported', { found: `steps from ${source.connector}`, allowed: 'a view at the source, or a source that is PostgreSQL or a file' });
  refuseBesideChecks({ pipeline, source, transform });
  const kinds = (pipeline.steps ?? []).map((step) => Object.keys(step)[0] ?? '');
  const made = source.columns.filter(({ name }) => !transform.input.some((column) => column.name === name)).map(({ name }) => name);
  const where = source.connector === 'postgres' ? 'in the statement that reads the table' : 'in the statement that reads the file';
  const rowWise = isRowWise(transform);
  return [decide('steps', `${kinds.join(', ')}, while the source is read`, {
    why: ['fused', `${plural(kinds.length, 'step')} ${rowWise ? 'over single rows ' : ''}are computed ${where}${made.length ? `; new there: ${named(made.slice(0, 5))}` : ''}.`],
    rejected: [rowWise ? ['a pass of its own', 'Every row would be written and read once more.'] : ['group at the target', `${plural(source.rows, 'row')} would travel instead of their groups.`]] })];
}

/** A file is judged row by row in the order in which it lies; what steps do to that order, or to the number of rows, has no place for a row that is set aside.
 * @throws EtlError `request.unsupported` */
function refuseBesideChecks({ pipeline: { checks, onFail }, source, transform }: Pick<CopyInput, 'pipeline' | 'source'> & { readonly transform: Transform }): void {
  const isAside = typeof onFail === 'object';
  const makesMisfits = transform.stages.some((stage) => stage.op === 'rows' && stage.misfits);
  if (makesMisfits && !(isAside && source.connector === 'file')) throw new EtlError('request.unsupported', { found: 'a cast with onError: quarantine', allowed: 'it with onFail: { quarantine: {} } and a file as the source' });
  if (source.connector !== 'file' || (!checks?.length && !isAside)) return;
  if (!isRowWise(transform)) throw new EtlError('request.unsupported', { found: 'aggregate, dedupe or limit beside checks of a file', allowed: 'checks on the rows, and another pipeline that groups what they let through' });
  if (isAside && leavesOut(transform)) throw new EtlError('request.unsupported', { found: 'a filter beside onFail: quarantine of a file', allowed: 'one of them: a check such as range or in says which rows are wanted' });
}
