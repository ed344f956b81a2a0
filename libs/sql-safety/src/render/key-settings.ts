import type { Transform } from '@agent-etl/contracts';
import { SqlSafetyError } from '../errors.ts';

/** Where a statement finds the two pads of a key, as hex: names of settings of its session in PostgreSQL, of variables of the engine in DuckDB. */
export interface KeyPlaces { readonly inner: string; readonly outer: string }
/** FNV-1a over 64 bits: a name that is short enough for every engine, and the same for the same reference. It hides nothing. */
function nameOf(reference: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(reference)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `agent_etl.k${hash.toString(16).padStart(16, '0')}`;
}
export const keyPlaces = (reference: string): KeyPlaces => ({ inner: `${nameOf(reference)}_i`, outer: `${nameOf(reference)}_o` });

/** References of all keys that the masks of a transform need, each once.
 * @throws SqlSafetyError `SQL_NAME_INVALID` where two would have one place */
export function keysOf(transform: Pick<Transform, 'stages'> | undefined): readonly string[] {
  const found = new Set<string>();
  const open: unknown[] = [transform?.stages];
  for (let next = open.pop(); open.length || next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if ('k' in next && next.k === 'mask' && 'key' in next && typeof next.key === 'string') found.add(next.key);
    open.push(...Object.values(next));
  }
  if (new Set([...found].map(nameOf)).size !== found.size) throw new SqlSafetyError('SQL_NAME_INVALID', 'two references of keys have one name');
  return [...found].sort();
}
