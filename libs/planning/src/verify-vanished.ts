import type { Issue, Plan, PublishTask } from '@agent-etl/contracts';
import { shapeOf } from './rules/history-shape.ts';

/** What may happen to rows that vanished, and what a history must look like, seen again from the profiles. */
export function vanishedIssues({ profiles: { target } }: Plan, publish: PublishTask): Issue[] {
  const path = `/tasks/${publish.id}`;
  const issue = (code: string, text: string): Issue => ({ code, path, text });
  const { how, vanished, cursor, key } = publish;
  const found: Issue[] = [];
  if (how === 'merge' && vanished?.then !== 'delete') found.push(issue('vanished.unsaid', 'A merge deletes what vanished, within a limit.'));
  if (vanished && how !== 'merge' && how !== 'scd2' && how !== 'rename') found.push(issue('vanished.way', `A publish by ${how} knows nothing of rows that vanished.`));
  if (vanished?.then === 'delete' && how === 'scd2') found.push(issue('vanished.history', 'A history deletes no row.'));
  if (vanished && cursor?.read === 'since') found.push(issue('vanished.slice', 'What changed says nothing about rows that vanished.'));
  if (how === 'scd2') found.push(...shapeOf(target, { key: key ?? [], columns: publish.columns }).map(({ text }) => issue('history.shape', text)));
  return found;
}
