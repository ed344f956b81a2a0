import { type ErrorCode, type RunKind, errorTable } from '@agent-etl/contracts';

/** What follows a failed attempt. `delayMs` 0 is at once. */
export type AfterFailure = { readonly then: 'again'; readonly delayMs: number; readonly counts: 'failure' | 'loss' } | { readonly then: 'give-up' };
export interface Tries { readonly kind: RunKind; readonly failures: number; readonly losses: number; readonly seed: string }

// Somebody waits for the answer of a look. A copy outlasts a restart of its database: eight tries take about a minute.
const mostFailures: Record<RunKind, number> = { copy: 5, planning: 2, inspect: 1, reconcile: 2, sketch: 2, quarantine: 1 };
const mostBreaks: Record<RunKind, number> = { ...mostFailures, copy: 8 };
const breaks: ReadonlySet<ErrorCode> = new Set(['connection.unreachable', 'connection.interrupted', 'source.snapshot-lost']);
// A worker that dies says nothing about the task, but a task that kills every worker must end.
const mostLosses = 20;
const losses: ReadonlySet<ErrorCode> = new Set(['lease.expired', 'worker.stopping', 'lease.lost']);

/** Decides by the error table alone. Backoff is a random share of min(60 s, 0.5 s * 2^n), drawn from the seed, so the same history waits the same time. */
export function afterFailure(code: ErrorCode, { kind, failures, losses: lost, seed }: Tries): AfterFailure {
  if (losses.has(code)) return lost + 1 >= mostLosses ? { then: 'give-up' } : { then: 'again', delayMs: 0, counts: 'loss' };
  const { retry } = errorTable[code];
  if (retry === 'never' || retry === 'repair' || failures + 1 >= (breaks.has(code) ? mostBreaks : mostFailures)[kind]) return { then: 'give-up' };
  const ceiling = Math.min(60_000, 500 * 2 ** (failures + 1));
  return { then: 'again', delayMs: Math.ceil(ceiling * share(`${failures}:${seed}`)), counts: 'failure' };
}

/** A number in (0, 1] that looks random and is the same for the same text (FNV-1a). */
function share(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return (hash + 1) / 2 ** 32;
}
