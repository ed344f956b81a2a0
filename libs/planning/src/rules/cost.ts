import type { LoadTask, Plan } from '@agent-etl/contracts';
import type { Cursoring } from './cursor.ts';

// Seconds per row of copy and proof together, from measurements on two cores: low, middle, high.
const perRow = { 'pg-frame': [1.6e-6, 3.2e-6, 7e-6], 'text-md5': [4e-6, 9e-6, 2.2e-5] } as const;
const perByte = [2e-9, 5e-9, 2e-8] as const;
const start = [0.2, 0.5, 3] as const;
/** Share of a source that has changed: nobody knows before it is read. */
const changed = [0, 0.01, 1] as const;
const rounded = (seconds: number): number => Math.round(seconds * 10) / 10;

/** What a copy is expected to take, 5 %, 50 %, 95 %. No money: both ends are the user's own. */
export function costOf(source: { rows: number; rowsExact: boolean; bytes: number }, digest: LoadTask['digest'], { since }: Pick<Cursoring, 'since'>): Plan['cost'] {
  const { rows, rowsExact, bytes } = source;
  const share = since === null ? [1, 1, 1] as const : changed;
  const seconds = (index: 0 | 1 | 2) => rounded(start[index] + Math.max(share[index] * rows * perRow[digest][index], share[index] * bytes * perByte[index]));
  return {
    rows: since !== null ? [0, Math.ceil(rows * changed[1]), rows] : rowsExact ? [rows, rows, rows] : [Math.floor(rows * 0.9), rows, Math.ceil(rows * 1.1)],
    seconds: [seconds(0), seconds(1), seconds(2)], usd: [0, 0, 0],
  };
}
