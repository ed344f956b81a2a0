import { type Chunking, isRowWise } from '@agent-etl/contracts';
import { type CopyInput, type Ruled, decide, megabytes, plural } from '../decide.ts';
import type { Cursoring } from './cursor.ts';

const PAGE = 8192;
const largest = 64 * 1024 * 1024 / PAGE;
const smallest = 16 * 1024 * 1024 / PAGE;
const mostChunks = 4096;
const mostParallel = 4;

/** Pieces that are copied, retried and proved one by one: 64 MiB each, or an eighth of a smaller source, never under 16 MiB. */
export function ruleChunks(input: CopyInput, { cursor, since }: Cursoring, how: 'as-it-lies' | 'in-one-piece' = 'as-it-lies'): Ruled<Chunking> {
  if (how === 'in-one-piece' && (input.source.pages !== null || input.source.range !== undefined)) return inOnePiece(input);
  return cursor && since !== null ? ofSlice(input, cursor.column) : ofWhole(input);
}
/** Rows that are compared with each other have to be seen together. */
function inOnePiece({ source }: CopyInput): Ruled<Chunking> {
  const size = megabytes(source.bytes);
  return { value: { by: 'whole', count: 1, parallel: 1, targetBytes: Math.max(source.bytes, PAGE) }, risks: [], decisions: [
    decide('chunks', '1, whole', { why: ['rows-compared', `A check asks for rows that are unique: all ${size} are read together, and the source finds the twins.`], rejected: [['several', 'Twins in two pieces would not be seen.']] }),
    decide('parallelism', '1', { why: ['one-chunk', 'There is one piece.'], rejected: [['2', 'Nothing to share.']] })] };
}
/** Nobody knows yet how much changed: it is cut when it is seen. */
function ofSlice({ parallel = 2 }: CopyInput, column: string): Ruled<Chunking> {
  const slots = Math.max(1, Math.min(parallel, mostParallel));
  const size = megabytes(largest * PAGE);
  return { value: { by: 'cursor', count: 1, parallel: slots, targetBytes: largest * PAGE }, risks: [], decisions: [
    decide('chunks', `by ${column}`, { why: ['cursor-order', `What changed is cut by \`${column}\` into pieces of about ${size}: a crash costs one piece.`], rejected: [['by ctid', 'Each piece would scan its part of the whole table.']] }),
    decide('parallelism', `${slots} at once`, { why: ['slots', `The lesser of ${plural(parallel, 'slot')} and ${mostParallel}.`], rejected: [[String(slots + 1), 'More readers than that slow each other and the source down.']] })] };
}
/** A folder takes every piece as a part of its own. */
const isFolder = ({ system }: CopyInput['target']): boolean => system.startsWith('folder');
function ofWhole(input: CopyInput): Ruled<Chunking> {
  const { source, target, parallel = 2 } = input;
  const size = megabytes(source.bytes);
  const isOneFile = target.connector === 'file' && !isFolder(target);
  if (source.range !== undefined && !isOneFile) return byKey(input, source.range);
  if (source.pages === null || isOneFile) {
    const isWhole = source.pages === null && source.range === undefined;
    const why: readonly [string, string] = input.transform && !isRowWise(input.transform) ? ['whole-groups', 'The steps need all rows at once: a piece alone has no whole group.'] : isWhole ? ['no-physical-order', `${source.dataset} cannot be cut by its physical order (${size}).`] : ['one-file', `The target is one file, written in one piece (${size}).`];
    return { value: { by: 'whole', count: 1, parallel: 1, targetBytes: Math.max(source.bytes, PAGE) }, risks: [], decisions: [
      decide('chunks', '1, whole', { why, rejected: [['several', isWhole ? 'Pieces without a proved order could overlap.' : 'Parts of one file cannot be written side by side; a target that ends with a slash is a folder of parts.']] }),
      decide('parallelism', '1', { why: ['one-chunk', 'There is one piece.'], rejected: [[String(Math.max(2, parallel)), 'Nothing to share.']] })] };
  }
  const perChunk = Math.max(Math.ceil(source.pages / mostChunks), Math.min(largest, Math.max(smallest, Math.ceil(source.pages / 8))));
  const count = Math.max(1, Math.ceil(source.pages / perChunk));
  const slots = Math.max(1, Math.min(parallel, mostParallel, count));
  return { value: { by: 'ctid', count, parallel: slots, targetBytes: perChunk * PAGE }, risks: [], decisions: [
    decide('chunks', `${count} by ctid`, { why: ['physical-order', `${size} in ${plural(count, 'piece')} of at most ${megabytes(perChunk * PAGE)}, by physical order: a crash costs one piece.`],
      rejected: [count > 1 ? ['one COPY', `A crash costs all ${size}.`] : ['several', `Each piece costs a transaction, and ${size} take a moment.`], ['ranges of a key', 'Gaps in the key make pieces of unequal size.']] }),
    decide('parallelism', `${slots} at once`, { why: ['slots', `The least of ${plural(parallel, 'slot')}, ${mostParallel} and ${plural(count, 'piece')}.`],
      rejected: [[String(slots + 1), slots === count ? 'There are not more pieces.' : 'More readers than that slow each other and the source down.']] })] };
}

/** Why a source is read by one reader at a time. */
const alone: Readonly<Record<string, string>> = { sqlite: 'SQLite is read inside the worker: two readers share one core.', mysql: 'One connection holds the snapshot, and MySQL lends it to no second one.' };

/** Ranges of a whole-number key. */
function byKey({ source, parallel = 2 }: CopyInput, column: string): Ruled<Chunking> {
  const size = megabytes(source.bytes);
  const pages = Math.ceil(source.bytes / PAGE);
  const perChunk = Math.max(Math.ceil(pages / mostChunks), Math.min(largest, Math.max(smallest, Math.ceil(pages / 8))));
  const count = Math.max(1, Math.ceil(pages / perChunk));
  const oneByOne = alone[source.connector];
  const slots = oneByOne ? 1 : Math.max(1, Math.min(parallel, mostParallel, count));
  const few: [string, string] = slots === count ? ['more', 'There are not more pieces.'] : oneByOne ? ['2 at once', oneByOne] : [String(slots + 1), 'More readers than that slow each other and the source down.'];
  return { value: { by: 'key', count, parallel: slots, targetBytes: perChunk * PAGE }, risks: [], decisions: [
    decide('chunks', `${count} by ${column}`, { why: ['key-ranges', `${size} in ${plural(count, 'piece')}, by equal ranges of ${column}: a crash costs one piece.`],
      rejected: [count > 1 ? ['one piece', `A crash costs all ${size}.`] : ['several', `Each piece costs a transaction, and ${size} take a moment.`], ['physical order', `${source.system} does not say where rows lie.`]] }),
    decide('parallelism', `${slots} at once`, { why: ['slots', oneByOne ? `${plural(count, 'piece')}, one after the other.` : `The least of ${plural(parallel, 'slot')}, ${mostParallel} and ${plural(count, 'piece')}.`], rejected: [few] })] };
}
