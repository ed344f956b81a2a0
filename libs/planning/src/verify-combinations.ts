import { type Issue, type LoadTask, type Plan, type PublishTask, addressOf, isRowWise, leavesOut, modesOfSome, otherDatasets } from '@agent-etl/contracts';
import { isOwn } from './rules/cursor.ts';
import { canSample } from './rules/proof.ts';
import { stepsProblem } from './rules/steps.ts';

/** What one part of a plan does to another, seen again from the plan alone: each works by itself, and together they would lose rows, double them, or prove what is not so. */
export function combinationIssues(plan: Plan, load: LoadTask, publish: PublishTask): Issue[] {
  const { profiles: { source, target }, pipeline } = plan;
  const { transform, judging, cursor, chunks, level, sample } = load;
  const issue = (code: string, text: string): Issue => ({ code, path: `/tasks/${publish.id}`, text });
  const found: Issue[] = [];
  if ((transform !== undefined) !== Boolean(pipeline.steps?.length)) found.push(issue('steps.other', 'The steps are not those that were asked for.'));
  if (transform && stepsProblem({ pipeline, source, transform })) found.push(issue('steps.checks', `${stepsProblem({ pipeline, source, transform })!.found} is not supported.`));
  if (transform && !isRowWise(transform) && chunks.by !== 'whole') found.push(issue('steps.pieces', 'Steps that need all rows read their source in one piece.'));
  if (transform && cursor && (leavesOut(transform) || !isOwn({ transform }, cursor.column))) found.push(issue('cursor.steps', 'A position counts rows of the source, and the steps leave rows out or make another column of its cursor.'));
  if (transform?.inputs?.some(({ source: other }) => other.connection === load.target.connection && other.dataset === load.target.dataset)) found.push(issue('target.is-joined', 'The target is one of the datasets that are joined: it would be read while it is written.'));
  if (JSON.stringify((transform?.inputs ?? []).map((other) => addressOf(other.source))) !== JSON.stringify(otherDatasets(pipeline.steps).map(addressOf))) found.push(issue('steps.inputs', 'The datasets that are joined are not those that were asked for.'));
  if (transform?.inputs && !transform.handOff && transform.engine !== 'spark' && transform.inputs.some((other) => other.source.connection !== load.source.connection)) found.push(issue('steps.reach', 'A source reads only what lies behind its own connection.'));
  if (transform?.handOff && (load.carrier !== 'text' || load.engine !== 'duckdb' || chunks.by !== 'whole')) found.push(issue('steps.hand-off', 'Rows that are handed to the engine child leave it as text, in one piece.'));
  if (load.engine === 'spark' || transform?.engine === 'spark' || pipeline.engine === 'spark') {
    const isWhole = load.engine === 'spark' && transform?.engine === 'spark' && (pipeline.engine ?? 'spark') === 'spark' && !transform.handOff;
    if (!isWhole || load.carrier !== 'text' || chunks.by !== 'whole') found.push(issue('steps.spark', 'Steps go to Spark all of them, where the request names no other engine, and come back as text, in one piece.'));
  }
  if (publish.vanished && judging?.bad === 'aside') found.push(issue('vanished.aside', 'A row that was set aside is not a row that vanished.'));
  if ((level === 'sampled') !== (sample !== undefined) || (sample && !canSample({ source, target, ...(transform ? { transform } : {}) }, sample))) found.push(issue('proof.sample', 'A sample needs two ends that can take it, and how much it takes.'));
  if ((publish.how === 'merge' || publish.how === 'scd2') && !modesOfSome[publish.how].includes(target.connector)) found.push(issue('publish.connector', `A ${target.connector} target is not published by ${publish.how}.`));
  return found;
}
