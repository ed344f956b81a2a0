import type { LedgerRow } from '@agent-etl/connectors';
import { type Digest, EtlError, type LoadResult, type PublishTask, digestText } from '@agent-etl/contracts';
import { ledgerDigest, sumsOf } from '../steps/load-rules.ts';
import { agreeInSample } from './sample-rules.ts';

const differs = (difference: string): EtlError => new EtlError('sink.reconcile-mismatch', { difference });

/** The ledger of the sink must say what the load reported: read = written (or grouped) + rejected + filtered, piece by piece and row by row.
 * @throws EtlError `sink.reconcile-mismatch` naming both */
export function agreeWithLedger(load: LoadResult, ledger: readonly LedgerRow[]): void {
  const { rows, rejected } = sumsOf(ledger);
  if (rows !== load.written || rejected !== load.rejected) {
    throw differs(`the load wrote ${load.written} rows and rejected ${load.rejected}, the ledger has ${rows} and ${rejected}`);
  }
  const through = load.grouped ?? load.written;
  if (load.read !== load.filtered + load.rejected + through) {
    throw differs(`${load.read} rows read, but ${load.filtered} filtered, ${load.rejected} rejected and ${through} ${load.grouped === undefined ? 'written' : 'grouped'}`);
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

/** Whether the publish made every staged row visible. Only an upsert may leave rows as they were. */
export function agreeWithPublished(task: PublishTask, staged: number, published: number): void {
  if (task.how !== 'upsert' && staged !== published) throw differs(`${staged} rows staged, ${published} published`);
}
