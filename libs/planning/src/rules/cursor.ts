import { type Column, type Cursor, EtlError, didYouMean, leavesOut } from '@agent-etl/contracts';
import { type Columns, type CopyInput, isEmpty, sameNames } from '../decide.ts';
import { digestOf } from '../plan-hash.ts';
import { wholeBecause } from './incremental.ts';
import type { RowKey } from './key.ts';

/** Rows are committed later than they say: reading begins so far before the position. */
export const OVERLAP_SECONDS = 3600;

/** What can be read in parts. `cursor` is null where nothing can carry one; `since` is the position to read from, null where a run reads all. */
export interface Cursoring { readonly cursor: Cursor | null; readonly since: string | null }
/** @property added columns that come to the target with this plan: its position is that of the others */
interface Seen { readonly key: RowKey; readonly columns: Columns; readonly added?: readonly string[] }

/** Whether a later run can read only what changed, and whether this one does. A position counts only if it is about this very source, these columns and this key,
 * and if the target refuses a second row with one key.
 * @throws EtlError what the request names as cursor and cannot be one: `source.not-found`, `request.invalid`, `request.unsupported`, `plan.refused`, `profile.unusable` */
export function ruleCursor(input: CopyInput, seen: Seen): Cursoring {
  const column = input.pipeline.from.cursor === undefined ? chosen(input, seen) : named(input, seen);
  if (!column) return { cursor: null, since: null };
  const scope = scopeOf(input, { ...seen, column: column.name });
  const former = seen.added?.length ? scopeOf(input, { key: seen.key, columns: seen.columns.filter(({ target }) => !seen.added!.includes(target)), column: column.name }) : null;
  const found = readsAll(input, seen) ? undefined : input.target.positions?.find(({ pipeline, scope: about }) => pipeline === input.pipeline.name && (about === scope || about === former));
  const since = found?.value ?? null;
  return { since, cursor: {
    column: column.name, kind: column.type.kind as Cursor['kind'], pipeline: input.pipeline.name, scope, read: since === null ? 'all' : 'since', overlapSeconds: OVERLAP_SECONDS,
    ...(found && found.scope !== scope ? { formerScope: found.scope } : {}) } };
}
/** A load mode that a person wrote keeps its meaning: it is about all rows, unless they name the cursor beside it. */
function readsAll({ pipeline: { from, to }, target }: CopyInput, { key }: Seen): boolean {
  const isAsked = to.load === undefined || ((to.load === 'upsert' || to.load === 'scd2') && from.cursor !== undefined);
  const isEnforced = [target.primaryKey, ...target.uniqueKeys, ...(to.load === 'scd2' ? target.openKeys ?? [] : [])].some((unique) => unique && key.columns && sameNames(unique, key.columns));
  return !isAsked || !target.exists || isEmpty(target) || !isEnforced;
}
const scopeOf = ({ pipeline: { from }, source, transform }: CopyInput, { key, columns, column }: Seen & { column: string }): string =>
  digestOf({ connection: from.connection, dataset: from.dataset, origin: source.origin ?? null, columns: columns.map(({ source: name, target }) => [name, target]), column, key: key.columns, ...(transform ? { transform } : {}) });

export const isTime = ({ type: { kind } }: Column): boolean => kind === 'ts' || kind === 'tstz';
export const isIndexed = ({ source }: CopyInput, name: string): boolean => source.indexes.some(([first]) => first === name);
/** A column that is set once, when a row is made, is indexed and never NULL, too: only its name tells the two apart. */
export function saysChange(name: string): boolean {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return /(^|_|last|row)(updat|modif|chang|touch)|(^|_)mtime/.test(words) && !/next|sched|due/.test(words);
}
const ends = ({ source, target }: CopyInput): 'both-tables' | 'others' => (source.connector === 'postgres' && target.connector === 'postgres' ? 'both-tables' : 'others');
/** A key that only the request claims may have twins, and a merge would keep one of them. */
const isProven = ({ source }: CopyInput, { key }: Seen): boolean =>
  key.columns !== null && [source.primaryKey, ...source.uniqueKeys].some((unique) => unique && sameNames(unique, key.columns!));

/** Whether the table itself has this column: its slices are cut there, before any step. */
export const isOwn = ({ transform }: Pick<CopyInput, 'transform'>, name: string): boolean =>
  transform?.stages.every((stage) => stage.op !== 'rows' || stage.columns.some(({ name: as, expr }) => as === name && expr.k === 'col' && expr.name === name)) ?? true;

/** A time with a zone comes first: it says more. */
function chosen(input: CopyInput, seen: Seen): Column | null {
  if ((input.transform && leavesOut(input.transform)) || ends(input) === 'others' || !isProven(input, seen)) return null;
  const able = input.source.columns.filter((column) => isTime(column) && !column.nullable && isIndexed(input, column.name) && saysChange(column.name) && isOwn(input, column.name));
  return able.find(({ type }) => type.kind === 'tstz') ?? able[0] ?? null;
}
function named(input: CopyInput, seen: Seen): Column {
  const { source, pipeline: { from, to } } = input;
  const name = from.cursor!;
  const wrong = (problem: string): EtlError => new EtlError('request.invalid', { pointer: '/pipeline/from/cursor', problem });
  if (ends(input) === 'others') throw new EtlError('request.unsupported', { found: `from.cursor from ${source.connector} to ${input.target.connector}`, allowed: 'it between two PostgreSQL tables' });
  const whole = input.transform ? wholeBecause(input.transform) : null;
  if (whole !== null) throw new EtlError('plan.refused', { rule: 'incremental equals full', explanation: whole, next: 'leave from.cursor out: each run reads the source whole' });
  const column = source.columns.find((each) => each.name === name);
  if (!column) throw new EtlError('source.not-found', { connection: from.connection, what: 'column', name: `${from.dataset}.${name}`, nearest: didYouMean(name, source.columns.map((each) => each.name)) });
  if (!isTime(column)) throw wrong(`${name} is ${column.native}: a cursor is a timestamp`);
  if (to.load === 'append' || to.load === 'replace') throw wrong(`load: ${to.load} is about all rows, and a cursor reads only what changed; leave one of them out`);
  if (!isOwn(input, name)) throw new EtlError('plan.refused', { rule: 'a cursor passes through the steps', explanation: `${name} is not what the source calls ${name}, and the source is asked for what changed`, next: `let the steps leave ${name} as it is, or leave from.cursor out: each run reads the source whole` });
  if (to.load === 'merge' || to.deletes !== undefined) throw wrong(`${to.load === 'merge' ? 'load: merge deletes' : 'deletes: close ends'} what vanished, and a slice of what changed says nothing about rows that vanished; leave from.cursor out${to.load === 'merge' ? ', or use load: upsert' : ''}`);
  if (column.nullable) throw new EtlError('plan.refused', { rule: 'a cursor is never NULL', explanation: `${name} may be: such rows would never travel`, next: `ALTER TABLE ${from.dataset} ALTER ${name} SET NOT NULL, or name another column` });
  if (!isProven(input, seen)) throw new EtlError('profile.unusable', { dataset: source.dataset, what: 'unique key: rows that changed are found again by it', next: 'add a primary key at the source, or leave from.cursor out' });
  return column;
}
