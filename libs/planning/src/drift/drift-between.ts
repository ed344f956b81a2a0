import type { Column, DriftKind, Issue } from '@agent-etl/contracts';
import { fitOf } from '../rules/types.ts';

/** One column that is not as it was. `was` and `now` are null where there was or is none; of a rename both are there. */
export interface Drift { readonly is: DriftKind; readonly was: Column | null; readonly now: Column | null }
type Shape = Pick<Column, 'name' | 'type' | 'native' | 'nullable'>;

const lengthOf = ({ type, native }: Pick<Column, 'type' | 'native'>): number | null => {
  const [, length] = (type.kind === 'text' || type.kind === 'other' ? /\((\d+)\)/.exec(native) : null) ?? [];
  return length === undefined ? null : Number(length);
};
/** Whether each value of one column fits into another, letters counted. */
export function holds(from: Shape, into: Shape): boolean {
  if (fitOf(from, into) !== 'lossless') return false;
  const [room, need] = [lengthOf(into), lengthOf(from)];
  return room === null || from.type.kind !== 'text' || (need !== null && need <= room);
}

/** What became of the columns of a source, in the order of what matters most: gone and renamed, then types, then what came. Equal shapes give an empty list. */
export function driftBetween(before: readonly Column[], now: readonly Column[]): Drift[] {
  const missing = before.filter(({ name }) => !now.some((column) => column.name === name));
  const strange = now.filter(({ name }) => !before.some((column) => column.name === name));
  const twins = renamed(missing, strange);
  const kept = before.flatMap((was) => now.filter(({ name }) => name === was.name).map((column) => ({ was, column })));
  return [
    ...missing.filter((was) => !twins.some((twin) => twin.was === was)).map((was): Drift => ({ is: 'gone', was, now: null })), ...twins,
    ...kept.flatMap(({ was, column }) => changed(was, column)),
    ...strange.filter((came) => !twins.some((twin) => twin.now === came)).map((came): Drift => ({ is: came.nullable ? 'added' : 'required', was: null, now: came })),
  ];
}
/** One that went and one that came with the same type may be one and the same. With more of either nobody can tell. */
function renamed(missing: readonly Column[], strange: readonly Column[]): Drift[] {
  return missing.flatMap((was): Drift[] => {
    const like = strange.filter(({ native, nullable }) => native === was.native && nullable === was.nullable);
    const rivals = missing.filter(({ native, nullable }) => native === was.native && nullable === was.nullable);
    return like.length === 1 && rivals.length === 1 ? [{ is: 'renamed', was, now: like[0]! }] : [];
  });
}
function changed(was: Column, now: Column): Drift[] {
  const type = was.native === now.native ? [] : [{ is: holds(was, now) ? 'wider' : holds(now, was) ? 'narrower' : 'retyped', was, now } as const];
  const empty = was.nullable === now.nullable ? [] : [{ is: now.nullable ? 'nullable' : 'filled', was, now } as const];
  return [...type, ...empty];
}

const shape = ({ native, nullable }: Column): string => `${native}, ${nullable ? 'may be NULL' : 'never NULL'}`;
/** The change in a few words, such as `column tax came (numeric(10,2), may be NULL)`. */
export function driftText({ is, was, now }: Drift): string {
  const name = (now ?? was)!.name;
  switch (is) {
    case 'added': case 'required': return `column ${name} came (${shape(now!)})`;
    case 'gone': return `column ${name} is gone (it was ${was!.native})`;
    case 'renamed': return `column ${was!.name} is gone and ${name} came with its type ${now!.native}: renamed?`;
    case 'wider': case 'narrower': case 'retyped': return `column ${name} was ${was!.native} and is ${now!.native}`;
    case 'nullable': return `column ${name} may be NULL now`;
    case 'filled': return `column ${name} is never NULL now`;
  }
}
/** What such a change means for the rows that are there, and for those to come. */
const meaning: Readonly<Record<DriftKind, string>> = {
  added: 'safe to add: rows that are there have NULL', required: 'rows that are there have no value for it', gone: 'rows to come have no value for it', renamed: 'nothing proves that it is the same',
  wider: 'safe where the target holds it; else its column has to be widened', narrower: 'safe: what it holds now, it held before', retyped: 'a value may change its meaning', nullable: 'a NULL stops the run where the target refuses it', filled: 'safe',
};
/** The diff of a drift, one issue per column: what a failure carries. */
export const driftIssues = (drift: readonly Drift[]): Issue[] =>
  drift.map((one) => ({ code: `drift.${one.is}`, path: `/columns/${(one.now ?? one.was)!.name}`, text: `${capital(driftText(one))}: ${meaning[one.is]}.` }));
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
/** The first changes in one sentence. */
export const driftSentence = (drift: readonly Drift[], most = 5): string =>
  drift.slice(0, most).map(driftText).join(', ') + (drift.length > most ? `, and ${drift.length - most} more` : '');
