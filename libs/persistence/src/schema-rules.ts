import type { Migration } from './migration-class.ts';
import { STATE_RELEASE } from './release.ts';

/** A migration as the database remembers it.
 * @property floor the oldest release that may run on the schema afterwards; null for one that was made before databases remembered it */
export interface AppliedStep { readonly name: string; readonly release: number | null; readonly floor: number | null }
/** Which migrations a command runs. `expand` leaves the release before this one able to run, `contract` does not. */
export type MigrationPhase = 'expand' | 'contract';
export type KnownStep = Pick<Migration, 'name' | 'release' | 'phase' | 'lastNeededIn'>;

/** The oldest release that may run on a schema with this migration: the one before it for an expansion, the one after the last that needed what is gone for a contraction. */
export const floorOf = (step: KnownStep): number => (step.phase === 'expand' ? step.release - 1 : (step.lastNeededIn ?? step.release) + 1);

/** Those that this phase runs, in their order. An expansion also runs old contractions: what neither this release nor the one before needs. */
export function dueSteps<T extends KnownStep>(steps: readonly T[], phase: MigrationPhase, release = STATE_RELEASE): T[] {
  const floor = phase === 'expand' ? release - 1 : release;
  return steps.filter((step) => floorOf(step) <= floor);
}

/** What a schema is to a release. `newer`: this release cannot run on it. `half`: a later release went on top of one that is not whole. `older`: something is still to be done. */
export type SchemaVerdict =
  | { readonly state: 'current' }
  | { readonly state: 'newer'; readonly found: number | null; readonly names: readonly string[] }
  | { readonly state: 'half'; readonly later: string; readonly missing: readonly string[] }
  | { readonly state: 'older'; readonly missing: readonly string[] };

/** Compares what a schema has seen with what a release knows. Unknown migrations of the next release are fine when they only added. */
export function judgeSchema(applied: readonly AppliedStep[], known: readonly KnownStep[], release = STATE_RELEASE): SchemaVerdict {
  const own = new Map(known.map((step) => [step.name, step]));
  const tooNew = applied.filter(({ name, floor }) => !own.has(name) && (floor === null || floor > release));
  if (tooNew.length) return { state: 'newer', found: Math.max(...tooNew.map((step) => step.release ?? 0)) || null, names: tooNew.map(({ name }) => name) };
  const done = new Set(applied.map(({ name }) => name));
  const missing = known.filter(({ name, phase }) => phase === 'expand' && !done.has(name)); // what is not yet taken away keeps nobody
  if (missing.length === 0) return { state: 'current' };
  const names = missing.map(({ name }) => name);
  const oldest = Math.min(...missing.map((step) => step.release));
  const later = applied.find((step) => (own.get(step.name)?.release ?? step.release ?? 0) > oldest);
  return later ? { state: 'half', later: later.name, missing: names } : { state: 'older', missing: names };
}
