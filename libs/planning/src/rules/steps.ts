import { type Decision, EtlError, type Transform, isRowWise, leavesOut } from '@agent-etl/contracts';
import { type CopyInput, decide, megabytes, named, plural } from '../decide.ts';

/** Engines whose sources compute steps in the statement that reads. */
const ABLE: readonly string[] = ['postgres', 'file'];

/** Where the steps of a pipeline are computed.
 * @throws EtlError `request.unsupported` for a source, or checks, that cannot be beside them */
export function ruleSteps({ pipeline, source, transform }: CopyInput): Decision[] {
  if (!transform) return [];
  const problem = stepsProblem({ pipeline, source, transform });
  if (problem) throw new EtlError('request.unsupported', problem);
  const kinds = (pipeline.steps ?? []).map((step) => Object.keys(step)[0] ?? '');
  const made = source.columns.filter(({ name }) => !transform.input.some((column) => column.name === name)).map(({ name }) => name);
  if (transform.engine === 'spark') return [onSpark({ kinds, made })];
  const where = source.connector === 'postgres' ? 'in the statement that reads the table' : 'in the statement that reads the file';
  const rowWise = isRowWise(transform);
  return [decide('steps', `${kinds.join(', ')}, while the source is read`, {
    why: ['fused', `${plural(kinds.length, 'step')} ${rowWise ? 'over single rows ' : ''}are computed ${where}${made.length ? `; new there: ${named(made.slice(0, 5))}` : ''}.`],
    rejected: [rowWise ? ['a pass of its own', 'Every row would be written and read once more.'] : ['group at the target', `${plural(source.rows, 'row')} would travel instead of their groups.`], notOnSpark(source, rowWise ? 'single' : 'many')] })];
}

interface Steps { readonly kinds: readonly string[]; readonly made: readonly string[] }
function onSpark({ kinds, made }: Steps): Decision {
  return decide('steps', `${kinds.join(', ')}, on Spark`, {
    why: ['staged', `${plural(kinds.length, 'step')} are computed on Spark, from Parquet that is staged for it${made.length ? `; new there: ${named(made.slice(0, 5))}` : ''}.`],
    rejected: [['while the source is read', 'The request names Spark.']] });
}
/** What blocking steps hold at most where they are not on Spark. */
const HELD_MB = 512;
/** Why the steps are not computed on Spark. */
const notOnSpark = ({ bytes }: Pick<CopyInput['source'], 'bytes'>, rows: 'single' | 'many'): readonly [string, string] => ['spark', rows === 'single' ? 'Steps over single rows keep none of them: more machines would only be more ways for the rows to go.'
  : `At most ${megabytes(bytes)} have to be held at once; one machine keeps ${HELD_MB} MB in memory and the rest on its disk. For more than that, engine: spark.`];

/** What steps cannot be beside the checks of their pipeline, or null. A file is judged row by row in the order in which it lies; what steps do to that order, or to the number
 * of rows, has no place for a row that is set aside. */
export function stepsProblem({ pipeline: { checks, onFail }, source, transform }: Pick<CopyInput, 'pipeline'> & { readonly source: Pick<CopyInput['source'], 'connector'>; readonly transform: Transform }): { readonly found: string; readonly allowed: string } | null {
  const isAside = typeof onFail === 'object';
  const makesMisfits = transform.stages.some((stage) => stage.op === 'rows' && stage.misfits);
  if (!ABLE.includes(source.connector)) return { found: `steps from ${source.connector}`, allowed: 'a view at the source, or a source that is PostgreSQL or a file' };
  if (makesMisfits && !(isAside && source.connector === 'file')) return { found: 'a cast with onError: quarantine', allowed: 'it with onFail: { quarantine: {} } and a file as the source' };
  if (isAside && !isRowWise(transform)) return { found: 'aggregate, dedupe or limit beside onFail: quarantine', allowed: 'onFail: stop, or a pipeline that groups what another one has let through' };
  if (source.connector !== 'file' || (!checks?.length && !isAside)) return null;
  if (!isRowWise(transform)) return { found: 'aggregate, dedupe or limit beside checks of a file', allowed: 'checks on the rows, and another pipeline that groups what they let through' };
  return isAside && leavesOut(transform) ? { found: 'a filter beside onFail: quarantine of a file', allowed: 'one of them: a check such as range or in says which rows are wanted' } : null;
}
