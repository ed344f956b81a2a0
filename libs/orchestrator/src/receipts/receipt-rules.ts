import { type Digest, type Failure, type LoadResult, type PlanId, type PublishResult, type PublishTask, type StepEngine, EtlError, ReceiptBody, QualityScore, digestText, toFailure } from '@agent-etl/contracts';
import type { RunRecord } from '../runs/run-record.ts';

export type Proof = { readonly body: ReceiptBody } | { readonly failure: Failure };

/** What a finished copy proves. A doubt is a failure: rows must add up and both ends must agree before a run is green.
 * @returns the receipt to sign, or `sink.reconcile-mismatch` with the difference */
export function proofOf(run: RunRecord, tenant: string): Proof {
  const load = run.tasks.find(({ result }) => result?.kind === 'load');
  const publish = run.tasks.find(({ result }) => result?.kind === 'publish');
  if (load?.result?.kind !== 'load' || publish?.result?.kind !== 'publish' || publish.spec.kind !== 'publish') return mismatch('load or publish said nothing');
  const difference = differenceOf(load.result, publish.result, publish.spec.how);
  if (difference) return mismatch(difference);
  const engine = load.spec.kind === 'load' ? load.spec.transform?.engine : undefined;
  return { body: bodyOf(run, { load: load.result, publish: publish.result, spec: publish.spec, tenant, ...(engine ? { engine } : {}) }) };
}
const mismatch = (difference: string): Proof => ({ failure: toFailure(new EtlError('sink.reconcile-mismatch', { difference })) });

function differenceOf(load: LoadResult, { level, sampled, sourceDigest, targetDigest, published, inserted, updated, unchanged }: PublishResult, how: string): string | null {
  const { read, filtered, rejected, written, grouped, joined } = load;
  const through = grouped ?? joined ?? written;
  if (read !== filtered + rejected + through) return `read ${read} is not filtered ${filtered} + rejected ${rejected} + ${grouped === undefined ? joined === undefined ? 'written' : 'joined' : 'grouped'} ${through}`;
  if (sourceDigest && targetDigest && sourceDigest.rows !== targetDigest.rows) return `${sourceDigest.rows} rows at the source, ${targetDigest.rows} at the target`;
  const found = targetDigest ?? sourceDigest;
  if (level === 'sampled' && (!sampled || sampled.rows + sampled.notCovered !== written)) return 'the rows of the sample and those not covered are not the rows that were written';
  if (found && found.rows !== (sampled?.rows ?? written)) return `${written} rows were written, ${found.rows} were found`;
  if (level !== 'counts' && !(sourceDigest && targetDigest)) return `a proof ${level === 'full' ? 'in full' : 'by a sample'} has no digest of one end`;
  if (level !== 'counts' && textOf(sourceDigest) !== textOf(targetDigest)) return 'the digests of source and target differ';
  if (unchanged !== undefined && (inserted ?? 0) + (updated ?? 0) + unchanged !== written) return `${written} rows were written, ${inserted ?? 0} inserted, ${updated ?? 0} updated and ${unchanged} left as they were`;
  if (how === 'upsert' || how === 'merge' || how === 'scd2' ? published > written : published !== written) return `${written} rows were written, ${published} were published`;
  return null;
}
const textOf = (digest: Digest | null): string | null => (digest === null ? null : digestText(digest));

/** Of a part that was read again before the position, what the target had already is filtered: only what was new or changed is written. */
function sumOf({ read, filtered, rejected, written, grouped, joined, combined, queried }: LoadResult, { published }: PublishResult, { cursor, slice, how }: Pick<PublishTask, 'cursor' | 'slice' | 'how'>): Pick<ReceiptBody, 'read' | 'filtered' | 'rejected' | 'written' | 'grouped' | 'joined' | 'combined' | 'queried'> {
  return cursor?.read === 'since' || (slice && how === 'upsert') ? { read, filtered: filtered + written - published, rejected, written: published } : { read, filtered, rejected, written, ...(grouped === undefined ? {} : { grouped }), ...(joined === undefined ? {} : { joined }), ...(combined ? { combined } : {}), ...(queried ? { queried } : {}) };
}
const countsOf = ({ inserted, updated, deleted, unchanged }: PublishResult): Partial<Pick<ReceiptBody, 'inserted' | 'updated' | 'deleted' | 'unchanged'>> => (
  { ...(inserted === null ? {} : { inserted }), ...(updated === null ? {} : { updated }), ...(deleted === undefined ? {} : { deleted }), ...(unchanged === undefined ? {} : { unchanged }) });
interface Results { load: LoadResult; publish: PublishResult; spec: Pick<PublishTask, 'source' | 'target' | 'digest' | 'cursor' | 'slice' | 'how'>; tenant: string; engine?: StepEngine }
const bodyOf = (run: RunRecord, { load, publish, spec, tenant, engine }: Results): ReceiptBody => ReceiptBody.parse({
  receiptVersion: 1, runId: run.runId, planId: run.planId as PlanId, pipeline: run.pipeline, tenant, source: spec.source, target: spec.target, reconciled: true, level: publish.level, ...(publish.sampled ? { sampled: publish.sampled } : {}), proofMs: publish.proofMs, ...(load.digestMs === undefined ? {} : { sourceProofMs: load.digestMs }),
  ...sumOf(load, publish, spec), ...(spec.slice ? { slice: { column: spec.slice.column, from: spec.slice.from, to: spec.slice.to, extra: publish.extra ?? 0 } } : {}), published: publish.published, ...countsOf(publish), ...(engine ? { engine } : {}), digest: publish.level === 'sampled' ? 'text-md5' : spec.digest,
  ...(load.quality ? { quality: QualityScore.parse(load.quality) } : {}), sourceDigest: textOf(publish.sourceDigest), targetDigest: textOf(publish.targetDigest), chunks: load.chunks,
  attempts: run.tasks.reduce((sum, { attempt }) => sum + attempt, 0), approvedBy: run.approvedBy ?? 'policy', startedAt: run.startedAt, finishedAt: run.finishedAt,
});
