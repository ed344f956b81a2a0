import { type LiveRunView, takenDigests } from '@agent-etl/contracts';

export type Tone = 'ok' | 'run' | 'bad' | 'idle';
export const toneOf = (state: string): Tone => {
  if (state === 'succeeded') return 'ok';
  if (state === 'failed') return 'bad';
  return state === 'running' || state === 'cancelling' || state === 'ready' ? 'run' : 'idle';
};
const words: Readonly<Record<string, string>> = { queued: 'Queued', running: 'Running', cancelling: 'Stopping', succeeded: 'Green', failed: 'Red', cancelled: 'Cancelled', waiting: 'Waits', ready: 'Starting', skipped: 'Skipped' };
export const wordOf = (state: string): string => words[state] ?? state;

export interface Summary { readonly running: number; readonly green: number; readonly red: number; readonly cancelled: number; readonly rows: number; readonly title: string }
const many = (count: number, word: string): string => `${count} ${word}`;

/** The screen's answer as a sentence: what is wrong first. */
export function summarise(runs: readonly LiveRunView[]): Summary {
  const count = (...states: string[]): number => runs.filter(({ state }) => states.includes(state)).length;
  const running = count('running', 'queued', 'cancelling');
  const [red, green, cancelled] = [count('failed'), count('succeeded'), count('cancelled')];
  const parts = [...(red ? [many(red, 'red')] : []), ...(running ? [many(running, 'running')] : []), ...(green ? [many(green, 'green')] : []), ...(cancelled ? [many(cancelled, 'cancelled')] : [])];
  const rows = runs.reduce((sum, { receipt }) => sum + (receipt?.published ?? 0), 0);
  return { running, red, green, cancelled, rows, title: parts.length ? parts.join(', ') : 'Nothing has run yet' };
}
/** Share done, 0 to 1, or null when the total is unknown. */
export function shareOf({ state, rows, totalRows }: Pick<LiveRunView, 'state' | 'rows' | 'totalRows'>): number | null {
  if (state === 'succeeded') return 1;
  return totalRows ? Math.min(0.99, rows / totalRows) : null;
}
/** Rows per second now, over all runs that move. */
export const speedOf = (runs: readonly LiveRunView[]): number => runs.reduce((sum, { state, rowsPerSecond }) => sum + (state === 'running' ? rowsPerSecond : 0), 0);

const shortDigest = (digest: string): string => { const [kind = '', , a = '', b = ''] = digest.split(':'); return `${kind}:${a.slice(-6)}…${b.slice(-6)}`; };
/** The digests of a receipt as it shows them, and what stands between the two. Rows are always compared. */
export function digestWords(receipt: Parameters<typeof takenDigests>[0]): { readonly source: string; readonly target: string; readonly verdict: string; readonly tone: 'ok' | 'bad' } {
  const { source, target } = takenDigests(receipt);
  const [verdict, tone] = source === null || target === null ? ['rows equal', 'ok'] as const : source === target ? ['equal', 'ok'] as const : ['differs', 'bad'] as const;
  return { source: source === null ? 'not taken' : shortDigest(source), target: target === null ? 'not taken' : shortDigest(target), verdict, tone };
}
