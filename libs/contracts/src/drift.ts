import { z } from 'zod';
import { SafeText } from './ids.ts';

/** What evolve may do to a target: `add` a column that came to the source, `widen` one whose values no longer fit. Never drop, narrow or rename. */
export const evolutions = ['add', 'widen'] as const;
export type Evolution = (typeof evolutions)[number];
export const OnDrift = z.union([
  z.enum(['stop', 'evolve', 'quarantine']),
  z.object({ evolve: z.array(z.enum(evolutions)).min(1).describe('add: a new column is added to the target · widen: a column is given the wider type of the source.') }).strict(),
]).meta({ description: 'What to do when the source has changed its shape. stop (default): the run fails and says what changed · evolve: it is planned anew, and the target follows by ADD COLUMN or a wider type, as far as the policy lets it · { evolve: [add, widen] }: only what is named.' });
export type OnDrift = z.infer<typeof OnDrift>;

/** added: came, may be NULL · required: came, never NULL · gone · renamed: one went and one came with the same type · wider, narrower, retyped: another type · nullable, filled: NULL is allowed now, or no longer. */
export const driftKinds = ['added', 'required', 'gone', 'renamed', 'wider', 'narrower', 'retyped', 'nullable', 'filled'] as const;
export type DriftKind = (typeof driftKinds)[number];

/** What becomes of a column of the target that is there, in the transaction that publishes. */
export const TargetChange = z.discriminatedUnion('change', [
  z.object({ change: z.literal('add').describe('ADD COLUMN, NULL in all rows that are there.'), column: SafeText.describe('Column of the target.'), native: z.string().describe('Its type, as the engine of the target spells it.') }),
  z.object({ change: z.literal('widen').describe('Another type that holds every value of the present one.'), column: SafeText.describe('Column of the target.'), from: z.string().describe('Type that it has.'), native: z.string().describe('Type that it gets.') }),
]).meta({ id: 'TargetChange', description: 'A change of the shape of a target, made in the transaction that publishes.' });
export type TargetChange = z.infer<typeof TargetChange>;

/** What an `onDrift` lets a plan do to its target. */
export const evolutionsOf = (onDrift: OnDrift | undefined): readonly Evolution[] => (onDrift === 'evolve' ? evolutions : typeof onDrift === 'object' ? onDrift.evolve : []);
