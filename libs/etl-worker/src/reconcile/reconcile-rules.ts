import type { LedgerRow, Published } from '@agent-etl/connectors';
import { type Digest, EtlError, type LoadResult, type PublishTask, digestText } from '@agent-etl/contracts';
import { ledgerDigest, sumsOf } from '../steps/load-rules.ts';
import { agreeInSample } from './sample-rules.ts';

const differs = (difference: string): EtlError => new EtlError('sink.reconcile-mismatch', { difference });

/** The ledger of the sink must say what the load reported: read = written (or grouped, or joined) + rejected + filtered, piece by piece and row by row.
 * @throws EtlError `sink.reconcile-mismatch` naming both */
export function agreeWithLedger(load: LoadResult, ledger: readonly LedgerRow[]): void {
  const { rows, rejected } = sumsOf(ledger);
  if (rows !== load.written || rejected !== load.rejected) {
    throw differs(`the load wrote ${load.written} rows and rejected ${load.rejected}, the ledger has ${rows} and ${rejected}`);
  }
  const through = load.grouped ?? load.joined ?? load.written;
  if (load.read !== load.filtered + load.rejected + through) {
    throw differs(`${load.read} rows read, but ${load.filtered} filtered, ${load.rejected} rejected and ${through} ${load.grouped === undefined ? load.joined === undefined ? 'written' : 'joined' : 'grouped'}`);
  }
  const digest = load.digest && ledgerDigest(load.digest.kind, ledger);
  if (load.digest && digest && ledger.length > 0 && digestText(digest) !== digestText(load.digest)) {
    throw differs(`the load hashed ${digestText(load.digest)}, the ledger has ${digestText(digest)}`);
  }
}

/** Rows at the sink, with their digest where one was taken. */
export interface Staged { readonly rows: number; readonly digest: Digest | null; readonly sample?: LoadResult['sample'] }

/** What was staged must be what was read: the count, at level `sampled` the sums of each bucket, and at level `full` both lanes of the digest.
 * @throws EtlError `sink.reconcile-mismatch` naming both */
export function agreeWithStaging(level: PublishTask['level'], { written, digest, sample }: LoadResult, staged: Staged): void {
  const rows = level === 'full' ? digest?.rows ?? written : written;
  if (rows !== staged.rows) throw differs(`${rows} rows at the source, ${staged.rows} staged`);
  if (level === 'counts') return;
  if (sample && staged.sample) agreeInSample(sample, staged.sample);
  if (!digest || !staged.digest) throw differs(`a proof ${level === 'full' ? 'in full' : 'by a sample'} needs the digests of both ends`);
  if (digestText(digest) !== digestText(staged.digest)) throw differs(`source ${digestText(digest)}, target ${digestText(staged.digest)}`);
}

/** A row that was set aside, or that a slice of the source does not show, has not vanished.
 * @throws EtlError `plan.refused` when rows that are not there would be taken for deleted ones */
export function mustHaveReadAll({ vanished, cursor }: PublishTask, { rejected }: LoadResult): void {
  const why = cursor?.read === 'since' ? 'only what changed was read' : rejected > 0 ? `${rejected} rows were set aside` : null;
  if (vanished && why) throw new EtlError('plan.refused', { rule: 'what is not read has not vanished', explanation: `${why}, so no row may be taken for deleted`, next: 'load: upsert keeps rows that are not read' });
}

/** Whether the publish made every staged row visible. Where rows are merged by a key some may be left as they were: a merge and a history say how many. */
export function agreeWithPublished(task: PublishTask, staged: number, { published, inserted, updated, unchanged }: Published): void {
  if (unchanged !== undefined && staged !== (inserted ?? 0) + (updated ?? 0) + unchanged) throw differs(`${staged} rows staged, ${inserted ?? 0} inserted, ${updated ?? 0} updated and ${unchanged} unchanged`);
  if (!mergesByKey(task.how) && staged !== published) throw differs(`${staged} rows staged, ${published} published`);
}
const mergesByKey = (how: PublishTask['how']): boolean => how === 'upsert' || how === 'merge' || how === 'scd2';
