import type { Transform } from '@agent-etl/contracts';

/** Where a statement finds the two pads of a key, as hex: names of settings of its session in PostgreSQL, of variables of the engine in DuckDB. */
export interface KeyPlaces { readonly inner: string; readonly outer: string }
/** Settings know no case, so capitals are spelled out too. One reference, one name. */
const spelled = (reference: string): string => reference.replace(/^secret:\/\//, '').replaceAll(/[^a-z0-9]/g, (found) => `_${found.charCodeAt(0).toString(16).padStart(2, '0')}`);
export const keyPlaces = (reference: string): KeyPlaces => ({ inner: `agent_etl.k${spelled(reference)}_i`, outer: `agent_etl.k${spelled(reference)}_o` });

/** References of all keys that the masks of a transform need, each once. */
export function keysOf(transform: Pick<Transform, 'stages'> | undefined): readonly string[] {
  const found = new Set<string>();
  const open: unknown[] = [transform?.stages];
  for (let next = open.pop(); open.length || next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if ('k' in next && next.k === 'mask' && 'key' in next && typeof next.key === 'string') found.add(next.key);
    open.push(...Object.values(next));
  }
  return [...found].sort();
}
