import type { Column, ColumnType, Profile } from '@agent-etl/contracts';

/** `lossless`: every value fits · `narrows`: most do, and one that does not stops the run · `never`: the meaning would change. */
export type Fit = 'lossless' | 'narrows' | 'never';
type Kind = ColumnType['kind'];
const numberOrder: readonly Kind[] = ['i16', 'i32', 'i64'];
const exactDigits: Partial<Record<Kind, number>> = { i16: 5, i32: 10, i64: 19 };

/** Formats whose values are read from text: what they look like is a guess. */
const texts: readonly (string | undefined)[] = ['csv', 'ndjson', 'json'];
/** Kinds that a cell of a text file is read as exactly, or refused by row and column. */
const readable: readonly Kind[] = ['bool', 'i16', 'i32', 'i64', 'f32', 'f64', 'text', 'date', 'time', 'ts', 'tstz'];
/** A CSV has only texts, and JSON has no dates: what the first rows look like is a guess, and a target that is there knows better. Answers the column as it is to be read. */
export function asRead({ options }: Pick<Profile, 'options'>, from: Column, to: Column): Column {
  const isKnown = readable.includes(to.type.kind) || (to.type.kind === 'dec' && to.type.precision !== undefined && (to.type.scale ?? 0) >= 0);
  const isSame = from.type.kind === to.type.kind && from.type.kind !== 'dec';
  return texts.includes(options['format']) && isKnown && !isSame ? { ...from, type: to.type } : from;
}

/** How values of one column go into another that is there already. */
export function fitOf(from: Column, to: Column): Fit {
  const [source, target] = [from.type, to.type];
  if (from.native === 'tinyint(1)' && to.native === from.native) return 'lossless'; // a number where it is read, a boolean of ours where it is written
  if (source.kind === 'other' || target.kind === 'other') return from.native === to.native ? 'lossless' : 'never';
  if (source.kind === target.kind) return source.kind === 'dec' ? decimals(source, target) : 'lossless';
  if (numberOrder.includes(source.kind) && numberOrder.includes(target.kind)) {
    return numberOrder.indexOf(source.kind) < numberOrder.indexOf(target.kind) ? 'lossless' : 'narrows';
  }
  if (source.kind in exactDigits && target.kind === 'dec') return decimals({ kind: 'dec', precision: exactDigits[source.kind]!, scale: 0 }, target);
  if (source.kind in exactDigits && target.kind === 'f64') return source.kind === 'i64' ? 'narrows' : 'lossless';
  if (source.kind === 'f32' && target.kind === 'f64') return 'lossless';
  if (source.kind === 'dec' && target.kind in exactDigits) return source.scale === 0 ? 'narrows' : 'never';
  if (source.kind === 'text' && target.kind === 'json') return 'narrows';
  if (target.kind === 'text' && (source.kind === 'uuid' || source.kind === 'json')) return 'lossless';
  return source.kind === 'text' && target.kind === 'uuid' ? 'narrows' : 'never';
}

function decimals(from: ColumnType, to: ColumnType): Fit {
  if (to.precision === undefined) return 'lossless';
  if (from.precision === undefined) return 'narrows';
  const [fraction, room] = [from.scale ?? 0, to.scale ?? 0];
  return fraction <= room && from.precision - fraction <= to.precision - room ? 'lossless' : 'narrows';
}
