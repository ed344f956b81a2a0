import type { ColumnType, MaskMethod } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import { constantAs } from './literal-rules.ts';
import { text } from './type-rules.ts';

/** A text shorter than this would show half of itself and more. */
export const LEAST_SHOWN = 8;
export const STARS = '****';

/** Whether a mask needs a key, which no statement holds as text. */
export const isKeyed = (method: MaskMethod): boolean => method === 'hmac' || method === 'token';
/** What a mask needs and makes. NULL stays NULL, but for `fixed`.
 * @throws Refusal `SQL_TYPE`, `SQL_ARITY`, `SQL_LITERAL` for a constant that the column cannot hold */
export function maskedAs(method: MaskMethod, { type, v, key }: { readonly type: ColumnType; readonly v: string | null; readonly key?: string | undefined }): { readonly value: 'itself' | 'its text'; readonly type: ColumnType } {
  if ((v !== null) !== (method === 'fixed' || method === 'token')) throw new Refusal('SQL_ARITY', method === 'fixed' ? 'fixed needs a value' : 'A value is for fixed alone');
  if ((key !== undefined) !== isKeyed(method)) throw new Refusal('SQL_ARITY', isKeyed(method) ? `${method} needs keyRef, such as secret://masking#key` : 'keyRef is for hmac alone');
  switch (method) {
    case 'null': return { value: 'itself', type };
    case 'fixed':
      if (constantAs(v ?? '', type) === null) throw new Refusal('SQL_LITERAL', `The value is no ${type.kind}`);
      return { value: 'itself', type };
    case 'last4':
      if (type.kind !== 'text') throw new Refusal('SQL_TYPE', `last4 is for texts, this is ${type.kind}; cast it first`);
      return { value: 'itself', type: text };
    case 'sha256': case 'hmac': case 'token': return { value: 'its text', type: text };
  }
}
