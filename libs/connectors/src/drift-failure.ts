import { type Column, EtlError, type LoadTask } from '@agent-etl/contracts';
import { driftBetween, driftIssues, driftSentence } from '@agent-etl/planning';

/** What a source has become since its load was planned, as the failure that stops it: the changes in a sentence, and one issue for each.
 * A column that does not travel counts by its name alone. */
export function schemaDrifted({ source: { dataset }, columns, transform, unread: left }: LoadTask, now: readonly Column[]): EtlError {
  // Behind steps nothing is left unread: the task says all that there was.
  const unread = transform ? [] : left ?? [];
  const planned = transform?.input ?? columns.map(({ source: name, type, sourceNative: native, nullable, sourceNullable = nullable }): Column => ({ name, type, native, nullable: sourceNullable }));
  const drift = driftBetween(planned, now.filter(({ name }) => !unread.includes(name)));
  const gone = unread.filter((name) => !now.some((column) => column.name === name)).map((name) => `column ${name}, which does not travel, is gone`);
  const diff = [...(drift.length ? [driftSentence(drift)] : []), ...gone].join(', ');
  return new EtlError('source.schema-drifted', { dataset, diff: diff || 'the order of its columns, or one that does not travel' }, { issues: driftIssues(drift) });
}
