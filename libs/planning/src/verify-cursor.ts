import type { Issue, LoadTask, Plan, PublishTask } from '@agent-etl/contracts';
import { sameNames } from './decide.ts';

/** What a cursor must be, seen again from the profiles: both ends tables, a time that is never NULL, and for a part of the source a position to read from, a key that both
 * ends enforce, and a merge. */
export function cursorIssues({ profiles: { source, target }, pipeline }: Plan, load: LoadTask, publish: PublishTask): Issue[] {
  const { cursor, chunks } = load;
  const path = `/tasks/${load.id}/cursor`;
  const issue = (code: string, text: string): Issue => ({ code, path, text });
  if (JSON.stringify(cursor) !== JSON.stringify(publish.cursor)) return [issue('cursor.publish', 'Load and publish have different cursors.')];
  const isPart = cursor?.read === 'since';
  const found = isPart === (chunks.by === 'cursor') ? [] : [issue('cursor.chunks', 'Only a part of a source is cut by its cursor.')];
  if (!cursor) return found;
  const column = source.columns.find(({ name }) => name === cursor.column);
  if (source.connector !== 'postgres' || target.connector !== 'postgres') found.push(issue('cursor.ends', 'A cursor needs two tables.'));
  if (!column || column.type.kind !== cursor.kind || column.nullable) found.push(issue('cursor.column', `${cursor.column} is no time that is never NULL.`));
  const isTouched = load.transform?.stages.some((stage) => stage.op !== 'rows' || !stage.columns.some(({ name, expr }) => name === cursor.column && expr.k === 'col' && expr.name === name));
  if (isTouched) found.push(issue('cursor.steps', `The steps make ${cursor.column} another column than that of the source.`));
  if (cursor.pipeline !== pipeline.name) found.push(issue('cursor.pipeline', `The position is that of ${cursor.pipeline}.`));
  if (!isPart) return found;
  if (!target.positions?.some((position) => position.pipeline === cursor.pipeline && position.scope === (cursor.formerScope ?? cursor.scope))) found.push(issue('cursor.position', 'The target has no position to read from.'));
  if (publish.how !== 'upsert' && publish.how !== 'scd2') found.push(issue('cursor.way', `What changed is not published by ${publish.how}.`));
  const enforces = (keys: readonly (readonly string[] | null)[]): boolean => keys.some((key) => key && publish.key && sameNames(key, publish.key));
  if (![source, target].every(({ primaryKey, uniqueKeys, openKeys = [] }) => enforces([primaryKey, ...uniqueKeys, ...(publish.how === 'scd2' ? openKeys : [])]))) found.push(issue('cursor.key', 'Both ends must enforce the key.'));
  return found;
}
