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
