import type { ColumnSketch, DatasetProfile, DatasetSketch } from '@agent-etl/contracts';
import { table } from './layout.ts';
import { agoText, durationText, grouped } from './numbers.ts';

const BLOCKS = '▁▂▃▄▅▆▇█';
/** Characters of a histogram: at most 16 bars of a row, each of as many bars of the sketch. */
const MOST_BLOCKS = 16;
const MOST_END = 20;

/** A histogram in a line: the fullest bar is full, one that holds anything is never empty, a gap is a blank. */
export function barsText(counts: readonly number[]): string {
  const each = Math.ceil(counts.length / MOST_BLOCKS);
  const sums = Array.from({ length: Math.ceil(counts.length / each) }, (_, index) => counts.slice(index * each, (index + 1) * each).reduce((sum, count) => sum + count, 0));
  const most = Math.max(...sums);
  return sums.map((sum) => (sum === 0 ? ' ' : BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((sum / most) * BLOCKS.length))])).join('');
}
/** An estimate with its bound; a number alone where the bound leaves no doubt. */
export function distinctText({ estimate, low, high }: ColumnSketch['distinct']): string {
  if (low === high) return grouped(estimate);
  if (high < 100) return `${low} to ${high}`;
  const doubt = Math.max(high - estimate, estimate - low) / Math.max(1, estimate);
  return `${grouped(estimate)} ±${(doubt * 100).toFixed(doubt < 0.095 ? 1 : 0)} %`;
}
const percent = (part: number, of: number): string => (part === 0 || of === 0 ? '0 %' : part === of ? '100 %' : `${Math.min(99.9, Math.max(0.1, (part / of) * 100)).toFixed(1)} %`);
const cut = (text: string): string => (text.length > MOST_END ? `${text.slice(0, MOST_END - 1)}…` : text);
const endText = (text: string | null, { measure }: ColumnSketch): string => (text === null ? '' : measure === 'length' ? `length ${grouped(Number(text))}` : cut(text));
const seenText = ({ whole, rows, ofRows }: DatasetSketch): string => (whole ? `${grouped(rows)} rows, all of them` : `${grouped(rows)} of about ${grouped(ofRows)} rows: reading ended at its bound`);

/** What the values of a dataset are like, a column per line.
 * @param name the dataset as the user typed it */
export function profileScreen({ sketch, earlier }: DatasetProfile, { name, nowMs }: { name: string; nowMs: number }): string[] {
  if (!sketch) return [` ${name}: nobody has profiled its values yet`];
  const rows = sketch.columns.map((column) => [column.name, column.native, percent(column.nulls, sketch.rows), distinctText(column.distinct), endText(column.min, column), endText(column.max, column), column.histogram ? barsText(column.histogram.counts) : '']);
  const before = earlier.map(({ takenAt, rows: then }) => ` before  ${grouped(then)} rows, ${agoText(takenAt, nowMs)}`);
  return [` ${name}`, ` rows    ${seenText(sketch)}`, ` by      ${sketch.engine} in ${durationText(sketch.seconds * 1000)}, ${agoText(sketch.takenAt, nowMs)}`, ...before.slice(0, 3), '',
    ...table(['column', 'type', 'nulls', 'distinct', 'min', 'max', 'values from min to max'], rows), '',
    ' ± is three standard errors: an estimate proves no key. Of texts, documents and bytes only lengths are told.'];
}
