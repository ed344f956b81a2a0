import type { Decision } from '@agent-etl/contracts';
import { type Columns, type CopyInput, type Ruled, decide, grouped, named, sameNames } from '../decide.ts';

export interface RowKey { readonly columns: string[] | null; readonly from: 'request' | 'source' | 'none' }

/** What names a row: what the request declares, else the primary key, else a unique key without NULLs. */
export function ruleKey(input: CopyInput, mapped: Columns): Ruled<RowKey> {
  const { pipeline: { to }, source } = input;
  const travels = (key: readonly string[]) => key.every((name) => mapped.some((column) => column.source === name));
  if (to.key) {
    const proven = [source.primaryKey, ...source.uniqueKeys].some((key) => key && sameNames(key, to.key!));
    return { value: { columns: to.key, from: 'request' }, risks: proven ? [] : [`Nothing at the source proves that ${named(to.key)} is unique: twin rows stop the run.`],
      decisions: [decide('key', named(to.key), { by: 'person', why: ['declared', 'The request declares it.'], rejected: [['no key', 'Rows could not be told apart.']] })] };
  }
  const found = source.primaryKey && travels(source.primaryKey) ? source.primaryKey : source.uniqueKeys.find((key) => key.length && travels(key));
  if (!found?.length) {
    return { value: { columns: null, from: 'none' }, risks: [], decisions: [decide('key', 'none', {
      why: ['no-key', source.primaryKey ? `The primary key ${named(source.primaryKey)} does not travel.` : 'The source has no primary key and no unique key without NULLs.'],
      rejected: [['all columns', 'Equal rows may be real: they are never removed unasked.']] })] };
  }
  const how = found === source.primaryKey ? 'Primary key' : 'Unique key without NULLs';
  return { value: { columns: [...found], from: 'source' }, risks: [], decisions: [decide('key', named(found), {
    why: [found === source.primaryKey ? 'primary-key' : 'unique-key', `${how} at the source: unique over ${source.rowsExact ? '' : 'about '}${grouped(source.rows)} rows.`], rejected: [otherKey(input, found)] })] };
}
/** Columns that look alike but that nothing proves. */
function otherKey({ source }: CopyInput, found: readonly string[]): [string, string] {
  const other = source.columns.filter(({ name }) => !found.includes(name)).slice(0, 2).map(({ name }) => name);
  return other.length ? [`(${other.join(', ')}, ...)`, 'No constraint proves it unique, and equal rows may be real.'] : ['no key', 'Rows could not be told apart.'];
}

/** Full or in parts. This release reads in full; what could carry a cursor is named, so that the reason can be judged. */
export function ruleStrategy({ source, target }: CopyInput): Decision {
  const time = source.columns.filter(({ type }) => type.kind === 'ts' || type.kind === 'tstz');
  const indexed = (name: string) => source.indexes.some(([first]) => first === name);
  const cursor = time.find(({ name, nullable }) => !nullable && indexed(name));
  const rejected: [string, string][] = time.filter((column) => column !== cursor).slice(0, 2).map(({ name, nullable }) =>
    [`only rows newer by \`${name}\``, nullable ? 'It may be NULL: such rows would never travel.' : 'It is not indexed, and rows may come late: they would be missed.']);
  const [key] = source.primaryKey ?? [];
  if (key && source.primaryKey?.length === 1) rejected.push([`only rows above \`${key}\``, 'It misses updates of rows that are there already.']);
  if (source.walLevel) rejected.push(['change data capture', `wal_level is ${source.walLevel}${source.walLevel === 'logical' ? ': possible later, not in this release' : ', not logical'}.`]);
  if (!rejected.length) rejected.push(['only what changed', 'No column says when a row changed.']);
  const later = cursor ? ` \`${cursor.name}\` is indexed and never NULL: it can carry a cursor.` : '';
  return decide('strategy', 'full', { why: target.exists ? ['full', `The source is read in full.${later}`] : ['no-target-yet', `No target yet.${later}`], rejected: rejected as [[string, string], ...[string, string][]] });
}
