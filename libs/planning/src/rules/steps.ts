import { type Decision, EtlError, type OtherInput, type Transform, addressOf, isRowWise, judgingChecks, leavesOut, otherDatasets } from '@agent-etl/contracts';
import { type CopyInput, decide, named, plural } from '../decide.ts';
import type { EngineChoice } from '../engine-choice-rules.ts';

/** Steps that do not take rows one by one, in the words of a refusal. */
const MANY = 'a step over several rows (aggregate, dedupe, flatten, limit, pivot, query, unpivot, window)';
/** Engines whose sources compute steps in the statement that reads. */
const ABLE: readonly string[] = ['postgres', 'file'];

/** Where the steps of a pipeline are computed.
 * @throws EtlError `request.unsupported` for a source, or checks, that cannot be beside them */
export function ruleSteps({ pipeline, source, transform, choice }: CopyInput): Decision[] {
  if (!transform) return [];
  const problem = stepsProblem({ pipeline, source, transform });
  if (problem) throw new EtlError('request.unsupported', problem);
  const kinds = (pipeline.steps ?? []).map((step) => Object.keys(step)[0] ?? '');
  const made = source.columns.filter(({ name }) => !transform.input.some((column) => column.name === name)).map(({ name }) => name);
  if (transform.engine === 'spark') return [onSpark({ kinds, made, transform, choice })];
  const where = source.connector === 'postgres' ? 'in the statement that reads the table' : 'in the statement that reads the file';
  const rowWise = isRowWise(transform);
  if (transform.inputs) return [combining({ transform, inputs: transform.inputs, kinds, choice, first: (pipeline.steps ?? []).findIndex((step) => otherDatasets([step]).length > 0) }, source.rows)];
  return [decide('steps', `${kinds.join(', ')}, while the source is read`, {
    why: ['fused', `${plural(kinds.length, 'step')} ${rowWise ? 'over single rows ' : ''}are computed ${where}${made.length ? `; new there: ${named(made.slice(0, 5))}` : ''}.`],
    rejected: [rowWise ? ['a pass of its own', 'Every row would be written and read once more.'] : ['group at the target', `${plural(source.rows, 'row')} would travel instead of their groups.`], ...notOnSpark(choice)] })];
}

interface Combining { readonly transform: Transform; readonly inputs: readonly OtherInput[]; readonly kinds: readonly string[]; readonly choice: EngineChoice | undefined; readonly first: number }
/** Which engine joins, and what travels to it. */
function combining({ transform: { handOff, stages }, inputs, kinds, choice, first }: Combining, rows: number): Decision {
  const others = inputs.map(({ source }) => addressOf(source)).join(', ');
  if (!handOff) {
    return decide('steps', `${kinds.join(', ')}, while the source is read`, { why: ['joined-at-the-source', `${others} ${inputs.length === 1 ? 'lies' : 'lie'} behind the connection of the source: one statement reads all of them, under one picture.`],
      rejected: [['a join in DuckDB', `${plural(rows, 'row')} would travel to it first.`], ...notOnSpark(choice)] });
  }
  const groups = stages.slice(0, handOff.after).some(({ op }) => op === 'group');
  const before = handOff.after === 0 || first <= 0 ? '' : `${kinds.slice(0, first).join(', ')} where the source is read, `;
  return decide('steps', `${before}${kinds.slice(handOff.after === 0 ? 0 : Math.max(0, first)).join(', ')} in DuckDB`, {
    why: ['handed-over', `No one system reaches the source and ${others}: ${groups ? 'the groups' : 'the rows'} and the other ${inputs.length === 1 ? 'dataset' : 'datasets'} are handed to DuckDB as Parquet, each proved by count and digest, and joined there.`],
    rejected: [['a join at the source', `${others} would have to be written into it first.`], ...(groups ? [['all steps in DuckDB', `${plural(rows, 'row')} would travel, not their groups.`] as const] : []), ...notOnSpark(choice)] });
}

interface Steps { readonly kinds: readonly string[]; readonly made: readonly string[]; readonly transform: Pick<Transform, 'inputs'>; readonly choice: EngineChoice | undefined }
function onSpark({ kinds, made, transform: { inputs = [] }, choice }: Steps): Decision {
  const beside = inputs.length ? `, with ${inputs.map(({ source }) => addressOf(source)).join(', ')} beside it` : '';
  const staged = `${plural(kinds.length, 'step')} are computed on Spark, from Parquet that is staged for it${beside}${made.length ? `; new there: ${named(made.slice(0, 5))}` : ''}.`;
  const isOutgrown = choice?.code === 'outgrown';
  return decide('steps', `${kinds.join(', ')}, on Spark`, {
    by: isOutgrown ? 'rules' : 'person', why: isOutgrown ? ['outgrown', `${choice.text} ${staged}`] : ['staged', staged], rejected: [isOutgrown ? ['duckdb', choice.text] : ['while the source is read', `The request names Spark.${choice ? ` ${choice.text}` : ''}`]] });
}
/** Why the steps are not computed on Spark, with the figures. */
const notOnSpark = (choice: EngineChoice | undefined): readonly (readonly [string, string])[] => (choice && choice.engine !== 'spark' ? [['spark', choice.code === 'asked' ? `The request names ${choice.engine}. ${choice.text}` : choice.text]] : []);

/** What steps cannot be beside the checks of their pipeline, or null. A file is judged row by row in the order in which it lies; what steps do to that order, or to the number
 * of rows, has no place for a row that is set aside. */
export function stepsProblem({ pipeline: { checks, onFail }, source, transform }: Pick<CopyInput, 'pipeline'> & { readonly source: Pick<CopyInput['source'], 'connector'>; readonly transform: Transform }): { readonly found: string; readonly allowed: string } | null {
  const isAside = typeof onFail === 'object';
  const makesMisfits = transform.stages.some((stage) => stage.op === 'rows' && stage.misfits);
  const isCombined = transform.inputs !== undefined;
  if (isCombined && (isAside || (transform.handOff && checks?.length))) return { found: `${isAside ? 'onFail: quarantine' : 'checks'} beside join, lookup or union`, allowed: 'checks on each dataset in a pipeline of its own, and another pipeline that joins what they let through' };
  if (!ABLE.includes(source.connector)) return { found: `steps from ${source.connector}`, allowed: 'a view at the source, or a source that is PostgreSQL or a file' };
  if (makesMisfits && !(isAside && source.connector === 'file')) return { found: 'a cast with onError: quarantine', allowed: 'it with onFail: { quarantine: {} } and a file as the source' };
  if (isAside && !isRowWise(transform)) return { found: `${MANY} beside onFail: quarantine`, allowed: 'onFail: stop, or a pipeline that groups what another one has let through' };
  if (source.connector !== 'file' || (!judgingChecks(checks).length && !isAside)) return null;
  if (!isRowWise(transform)) return { found: `${MANY} beside checks of a file`, allowed: 'checks on the rows, and another pipeline that groups what they let through' };
  return isAside && leavesOut(transform) ? { found: 'a filter beside onFail: quarantine of a file', allowed: 'one of them: a check such as range or in says which rows are wanted' } : null;
}
