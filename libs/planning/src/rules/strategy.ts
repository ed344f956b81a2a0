import type { Decision } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, grouped, isEmpty, named, plural } from '../decide.ts';
import { type Cursoring, OVERLAP_SECONDS, isIndexed, isTime, saysChange } from './cursor.ts';
import type { RowKey } from './key.ts';

type Lost = [choice: string, because: string];
interface Seen extends Cursoring { readonly key: RowKey }
const tuple = (parts: readonly string[]): string => `(${parts.join(', ')})`;
const all = ({ source: { rows, rowsExact } }: CopyInput): string => `${rowsExact ? '' : 'about '}${plural(rows, 'row')}`;

/** Full or in parts, and what speaks against each other way. */
export function ruleStrategy(input: CopyInput, seen: Seen): Ruled<Cursoring> {
  const { cursor, since, key } = seen;
  const value = { cursor, since };
  if (!cursor || since === null) return { value, risks: [], decisions: [full(input, seen)] };
  const hours = OVERLAP_SECONDS / 3600;
  const isScanned = !isIndexed(input, cursor.column);
  return { value, risks: isScanned ? [`\`${cursor.column}\` is not indexed: each run scans ${all(input)} to find what changed.`] : [], decisions: [
    decide('strategy', `incremental by ${tuple([cursor.column, ...key.columns!])}`, { by: input.pipeline.from.cursor === undefined ? 'rules' : 'person', rejected: [['full', `It reads ${all(input)} again.`], ...othersThan(input, cursor.column)],
      why: ['cursor', `Reads what changed since ${since}, where this pipeline has left off, up to the picture that it takes at its start; ${named(key.columns!)} tells new rows from changed ones. `
        + `A change that leaves \`${cursor.column}\` as it was is not seen, nor is a delete: load: ${input.pipeline.to.load === 'scd2' ? 'scd2 without from.cursor, with deletes: close,' : 'merge or load: replace'} takes those over.`] }),
    decide('overlap', `${hours} h`, { rejected: [['none', 'A transaction that took its time before the last run and was committed after it would be missed.'], ['24 h', 'Each run would read a day again.']],
      why: ['late-commits', `Reading begins ${hours} h before the position: rows that were committed up to ${hours} h late are found, those that the target has already are left alone.`] })] };
}
function full(input: CopyInput, seen: Seen): Decision {
  const { cursor, key } = seen;
  const { target, pipeline: { to } } = input;
  if (target.connector === 'file') return decide('strategy', 'full', { why: ['file-target', 'A file is written whole, and renamed into place.'], rejected: [['only what changed', 'A finished file has no place to merge changed rows into.']] });
  if (input.source.connector === 'file') return decide('strategy', 'full', { why: ['file-source', 'A file is read whole.'], rejected: [['only what changed', 'It has no index to find changed rows by.']] });
  const rejected = othersThan(input, cursor?.column ?? null);
  const lost = (rejected.length ? rejected : [['only what changed', 'No column says when a row changed.']]) as [Lost, ...Lost[]];
  const isNew = !target.exists || isEmpty(target);
  const start = !target.exists ? 'No target yet.' : isNew ? 'The target is empty.' : 'The source is read in full.';
  const code = isNew && !target.exists ? 'no-target-yet' : 'full';
  if (!cursor) return decide('strategy', 'full', { why: [code, start], rejected: lost });
  const carries = `\`${cursor.column}\` is ${isIndexed(input, cursor.column) ? 'indexed and ' : ''}never NULL: it can carry a cursor`;
  if (to.load !== undefined && input.pipeline.from.cursor === undefined) return decide('strategy', 'full', { by: 'person', why: [code, `${start} The request says ${to.load}: ${means[to.load]}. ${carries}${to.load === 'upsert' || (to.load === 'scd2' && to.deletes === undefined) ? `, once from.cursor names it` : to.load === 'merge' ? ', once load: upsert is enough' : ', once load is left out'}.`], rejected: lost });
  return decide('strategy', `full now, then incremental by ${tuple([cursor.column, ...key.columns!])}`, { why: [code, `${start} ${carries}, and later runs read only what changed.`], rejected: lost });
}
const means = {
  append: 'each run adds all rows', replace: 'each run takes all rows, so what is deleted at the source goes, too', upsert: 'each run merges all rows, and mends what was changed at the target',
  merge: 'each run compares all rows, so what is deleted at the source goes, too', scd2: 'each run compares all rows with the versions that stand now',
} as const;

/** Other ways to read only a part, each with what it would lose. */
function othersThan(input: CopyInput, cursor: string | null): Lost[] {
  const { source } = input;
  const times = source.columns.filter((column) => isTime(column) && column.name !== cursor).slice(0, 2).map(({ name, nullable }): Lost => [`only rows newer by \`${name}\``,
    nullable ? 'It may be NULL: such rows would never travel.'
      : !isIndexed(input, name) ? `It is not indexed, so each run would scan ${all(input)}, and rows may come late: they would be missed.`
        : !saysChange(name) ? `Its name does not say that an update moves it. If one does: from.cursor: ${name}.` : cursor === null ? 'No unique key tells new rows from changed ones.' : `\`${cursor}\` says more.`]);
  const [key] = source.primaryKey?.length === 1 ? source.primaryKey : [];
  return [...times, ...(key ? [[`only rows above \`${key}\``, `It misses updates of ${source.rowsExact ? 'the' : 'about'} ${grouped(source.rows)} rows that are there already.`] as Lost] : []),
    ...(source.walLevel ? [['change data capture', `wal_level is ${source.walLevel}${source.walLevel === 'logical' ? ': possible later, not in this release' : ', not logical'}.`] as Lost] : [])];
}
