import type { ColumnMapping, Profile } from '@agent-etl/contracts';
import { named, sameNames } from '../decide.ts';

/** Columns that a history has beside those of its source: a version holds from the first instant up to the second, which is NULL while it stands. */
export const historyColumns = { valid_from: 'timestamptz', valid_to: 'timestamptz', is_current: 'boolean' } as const;
const kinds: Readonly<Record<string, string>> = { valid_from: 'tstz', valid_to: 'tstz', is_current: 'bool' };

/** @property add what to do about it; null where nothing but another table or other columns helps */
export interface Misfit { readonly text: string; readonly add: 'column' | 'key' | null; readonly name?: keyof typeof historyColumns }

/** What keeps a table from holding the history of these columns; empty for one that is still to be made, unless a column of the source has a name of ours. */
export function shapeOf(target: Profile, { key, columns }: { key: readonly string[]; columns: readonly Pick<ColumnMapping, 'target'>[] }): Misfit[] {
  const taken = columns.filter(({ target: name }) => name in historyColumns);
  if (taken.length) return [{ text: `The source has a column ${named(taken.map(({ target: name }) => name))}, which a history keeps for itself.`, add: null }];
  if (!target.exists) return [];
  const misfits = (Object.keys(historyColumns) as (keyof typeof historyColumns)[]).flatMap((name): Misfit[] => {
    const there = target.columns.find((column) => column.name === name);
    if (!there) return [{ text: `It has no column ${name} ${historyColumns[name]}.`, add: 'column', name }];
    if (there.type.kind !== kinds[name] || there.filled === 'always') return [{ text: `Its column ${name} is ${there.native}${there.filled === 'always' ? ' and filled by itself' : ''}, not ${historyColumns[name]}.`, add: null }];
    return name === 'valid_to' && !there.nullable ? [{ text: 'Its column valid_to may not be NULL, which says that a version stands.', add: null }] : [];
  });
  const isOpen = (target.openKeys ?? []).some((unique) => sameNames(unique, key));
  const whole = [target.primaryKey, ...target.uniqueKeys].some((unique) => unique && sameNames(unique, key));
  if (whole) misfits.push({ text: `Its key ${named(key)} is unique over all rows: it takes one version of a row only.`, add: null });
  if (!isOpen) misfits.push({ text: `Nothing keeps ${named(key)} unique among its current rows.`, add: 'key' });
  return misfits;
}
