import { EtlError } from '@agent-etl/contracts';
import { compile, identifier, joinSql, relationParts, sqlFor, typeName } from '@agent-etl/sql-safety';
import { type Columns, type CopyInput, type Ruled, decide, named } from '../decide.ts';
import { type Misfit, historyColumns, shapeOf } from './history-shape.ts';
import { alsoLeftOut, percent, vanishedOf } from './merge.ts';
import type { Publishing } from './publishing.ts';

interface Seen { readonly key: string[]; readonly columns: Columns; readonly since: string | null }

/** Keeps every version of a row: a changed row ends its version and begins another.
 * @throws EtlError `plan.refused` with what a target lacks to be a history, and the statements that add it */
export function history(input: CopyInput, { key, columns, since }: Seen): Ruled<Publishing> {
  const { target, pipeline: { to } } = input;
  const misfits = shapeOf(target, { key, columns });
  if (misfits.length) throw refused(input, { key, misfits });
  const vanished = to.deletes === undefined ? undefined : vanishedOf(input, 'close');
  return { risks: [], value: { load: 'scd2', how: 'scd2', risk: 'R1', key, ...(vanished ? { vanished } : {}) }, decisions: [
    decide('load', `versions by ${key.join(', ')}`, { by: 'person', why: ['asked', `The request says scd2; ${named(key)} names a row, and any other column that changes makes a new version.`], rejected: [['upsert', 'What a row was before would be lost.']] }),
    decide('deletes', vanished ? `close, at most ${percent(vanished.atMost)}` : 'stay open', vanished
      ? { by: 'person', why: ['asked', `The request says so: the version of a row that the source does not have any more${alsoLeftOut(input)} ends with the run that finds it gone. More than ${percent(vanished.atMost)} of the current rows at once, or an empty source, stops the run.`], rejected: [['stay open', 'A row that is gone would look as if it were there.']] }
      : { why: since === null ? ['unasked', 'The last version of a row that the source does not have any more stays open. deletes: close ends it.'] : ['slice', 'Only what changed is read, which says nothing about rows that are gone.'], rejected: [['close', 'Nobody asked for it.']] }),
    decide('publish', 'scd2', { why: ['half-open', `A version holds from valid_from up to, not with, valid_to, and is_current while valid_to is NULL. Both are the time at which the run began, kept with the run: a retry writes the same. A unique index allows one open version of a row.`],
      rejected: [['the time of each write', 'A retry would make other versions, and one run would begin at many times.']] })] };
}

const sql = sqlFor('postgres');
function refused({ pipeline: { to } }: CopyInput, { key, misfits }: { key: readonly string[]; misfits: readonly Misfit[] }): EtlError {
  const { schema, table } = relationParts(to.dataset) ?? { schema: 'public', table: to.dataset };
  const missing = misfits.flatMap(({ name }) => (name ? [sql`ADD COLUMN ${identifier(name)} ${typeName('postgres', historyColumns[name])}${name === 'valid_from' ? sql` NOT NULL DEFAULT now()` : name === 'is_current' ? sql` NOT NULL DEFAULT true` : sql``}`] : []));
  const statements = [
    ...(missing.length ? [compile(sql`ALTER TABLE ${identifier(schema, table)} ${joinSql(missing, sql`, `)}`).text] : []),
    ...(misfits.some(({ add }) => add === 'key') ? [compile(sql`CREATE UNIQUE INDEX ON ${identifier(schema, table)} (${joinSql(key.map((name) => sql`${identifier(name)}`), sql`, `)}) WHERE is_current`).text] : [])];
  const isMended = misfits.every(({ add }) => add !== null);
  return new EtlError('plan.refused', { rule: 'load: scd2 needs a history', explanation: `${to.dataset} is none. ${misfits.map(({ text }) => text).join(' ')}`.replace(/\.$/, ''),
    next: isMended ? `add it: ${statements.join('; ')}` : 'name a target that is not there yet: it is made with all that a history needs' });
}
