import type { Ask } from './ask.ts';

/** One end of a copy. @property rows a query whose columns are the same, in the same order, at both ends */
export interface End { readonly ask: Ask; readonly rows: string }
interface Sum { readonly bucket: number; readonly sums: string }
const [BUCKETS, LOOKED_AT, NAMED, LETTERS] = [1024, 3, 3, 120];

const sumsOf = ({ ask, rows }: End, bucket: string): Promise<Sum[]> => ask<Sum>(`select ${bucket} as bucket, concat_ws(' ', count(*), sum(hashtextextended(r::text, 0)::numeric), sum(hashtextextended(r::text, 1)::numeric)) as sums
  from (${rows}) as r group by 1 order by 1`);
const bucketOf = `(hashtextextended(r::text, 2) & ${BUCKETS - 1})::int`;

/** How often each row of some buckets is there, by its text. */
async function countsOf({ ask, rows }: End, buckets: readonly number[]): Promise<Map<string, number>> {
  const found = await ask<{ row: string; n: number }>(`select r::text as row, count(*)::int as n from (${rows}) as r where ${bucketOf} = any($1) group by 1`, [buckets]);
  return new Map(found.map(({ row, n }) => [row, n]));
}
/** Rows that are not as often in the target as in the source: without a key too, and with legal twins. Count and two sums are held against each other first; only where they differ are rows looked for. */
export async function ofData(source: End, target: End): Promise<string[]> {
  const [from, into] = [await sumsOf(source, '0'), await sumsOf(target, '0')];
  if (JSON.stringify(from) === JSON.stringify(into)) return [];
  const [there, here] = [new Map((await sumsOf(source, bucketOf)).map(({ bucket, sums }) => [bucket, sums])), new Map((await sumsOf(target, bucketOf)).map(({ bucket, sums }) => [bucket, sums]))];
  const differing = [...new Set([...there.keys(), ...here.keys()])].filter((bucket) => there.get(bucket) !== here.get(bucket)).slice(0, LOOKED_AT);
  const [asked, got] = [await countsOf(source, differing), await countsOf(target, differing)];
  const faults = [...new Set([...asked.keys(), ...got.keys()])].flatMap((row) => faultOf(row, asked.get(row) ?? 0, got.get(row) ?? 0));
  return faults.length > 0 ? faults.slice(0, NAMED) : ['source and target have other sums'];
}
function faultOf(row: string, asked: number, got: number): string[] {
  const said = row.slice(0, LETTERS);
  if (got < asked) return [`lost or changed: ${asked - got} of ${asked} ${said}`];
  if (got === asked) return [];
  return [asked === 0 ? `from nowhere or changed: ${said}` : `doubled: ${got} for ${asked} ${said}`];
}
