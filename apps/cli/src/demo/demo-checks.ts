import type { RunView } from '@agent-etl/contracts';

export interface DemoCheck { readonly name: string; readonly expected: string; readonly actual: string; readonly ok: boolean }
export const checkEqual = (name: string, expected: string | number | boolean, actual: string | number | boolean | null | undefined): DemoCheck =>
  ({ name, expected: String(expected), actual: String(actual), ok: String(expected) === String(actual) });

/** What must hold of a green copy: state, the receipt's sum, rows that became visible, equal digests. */
export function receiptChecks(pipeline: string, run: RunView, expected: { read: number; filtered: number; rejected: number; written: number }): DemoCheck[] {
  const { receipt } = run;
  return [
    checkEqual(`${pipeline}: state`, 'succeeded', run.state), checkEqual(`${pipeline}: reconciled`, true, receipt?.reconciled),
    ...(['read', 'filtered', 'rejected', 'written'] as const).map((name) => checkEqual(`${pipeline}: ${name}`, expected[name], receipt?.[name])),
    checkEqual(`${pipeline}: published`, expected.written, receipt?.published),
    // A pipeline that was proved in full before may be proved by counts: then there is no digest of the target to compare.
    ...(receipt?.level === 'counts' ? [] : [checkEqual(`${pipeline}: target digest`, receipt?.sourceDigest ?? 'a receipt', receipt?.targetDigest)]),
  ];
}
