import { EtlError } from '@agent-etl/contracts';
import { z } from 'zod';

const Cursor = z.tuple([z.string().max(100), z.string().max(100)]);
export interface After { readonly at: string; readonly id: string }

/** @throws EtlError `request.invalid` when the text is not the `next` of an earlier page */
export function readCursor(cursor: string | undefined): After | null {
  if (cursor === undefined) return null;
  try {
    const [at, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { at, id };
  } catch (cause) {
    throw new EtlError('request.invalid', { pointer: '/query/cursor', problem: 'is not the `next` of an earlier page' }, { cause });
  }
}
/** Rows of a page out of one row more than it holds. */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => After): { rows: T[]; next: string | null } {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  const key = last && rows.length > limit ? keyOf(last) : null;
  return { rows: kept, next: key ? Buffer.from(JSON.stringify([key.at, key.id])).toString('base64url') : null };
}
