import type { ChunkRange, LedgerRow, Reached } from '@agent-etl/connectors';
import { type AsideReason, type Digest, EtlError, type LoadResult, type Span, type Transform, addDigests } from '@agent-etl/contracts';
import { throughSteps } from './through-steps-rules.ts';

/** Key of the ledger row that publish writes; all other rows are pieces of the load. */
export const PUBLISH_KEY = 'publish';
export const isPublished = (ledger: readonly LedgerRow[]): boolean => ledger.some(({ chunkKey }) => chunkKey === PUBLISH_KEY);
export const piecesOf = (ledger: readonly LedgerRow[]): LedgerRow[] => ledger.filter(({ chunkKey }) => chunkKey !== PUBLISH_KEY);

/** What was tried again inside one attempt. */
export interface Repeats { readonly raises: number; readonly pictures: number }
export const noRepeats: Repeats = { raises: 0, pictures: 0 };
const MOST_RAISES = 3;
const MOST_PICTURES = 3;

/** What to do about a load that broke off while its own claim stands: somebody else raised the fence (another deployment writes here, or a late
 * attempt of ours), or the source lost the picture. Null: let it fail. */
export function repairOf(error: unknown, repeats: Repeats): 'raise-again' | 'new-picture' | null {
  if (!(error instanceof EtlError)) return null;
  if (error.code === 'source.snapshot-lost' && repeats.pictures < MOST_PICTURES) return 'new-picture';
  if (error.code !== 'lease.lost') return null;
  if (repeats.raises < MOST_RAISES) return 'raise-again';
  throw new EtlError('request.conflict', { what: 'the target', state: 'being written by somebody else', action: 'a load' }, { cause: error });
}

/** Pieces that the ledger does not have yet, in their order. */
export function missingOf(ranges: readonly ChunkRange[], ledger: readonly LedgerRow[]): ChunkRange[] {
  const written = new Set(ledger.map(({ chunkKey }) => chunkKey));
  return ranges.filter(({ key }) => !written.has(key));
}

/** A sink answers no more reasons than these. */
const MOST_REASONS = 100;
export interface Sums { readonly rows: number; readonly rejected: number; readonly bytes: number }
export const sumsOf = (ledger: readonly LedgerRow[]): Sums => piecesOf(ledger).reduce(
  (sum, { rows, rejected, bytes }) => ({ rows: sum.rows + rows, rejected: sum.rejected + rejected, bytes: sum.bytes + bytes }), { rows: 0, rejected: 0, bytes: 0 });

/** Digest of all pieces, or null when one of them was not hashed while it was read. */
export function ledgerDigest(kind: Digest['kind'], ledger: readonly LedgerRow[]): Digest | null {
  const digests = piecesOf(ledger).map(({ digest }) => digest);
  const hashed = digests.filter((digest): digest is Digest => digest?.kind === kind);
  return hashed.length === digests.length ? addDigests(kind, hashed) : null;
}

/** What a load did, summed from the ledger alone.
 * @throws EtlError `sink.reconcile-mismatch` when the ledger does not hold exactly the pieces of the cut, or the digest counted other rows */
export function loadResult(seen: { ranges: readonly ChunkRange[]; ledger: readonly LedgerRow[]; resumed: number; digest: Digest | null; reached?: Reached | null; transform?: Transform | undefined; span?: Span | undefined; of?: 'all' | 'sample'; aside?: readonly AsideReason[] }): LoadResult {
  const pieces = piecesOf(seen.ledger);
  const missing = missingOf(seen.ranges, pieces);
  if (missing.length > 0 || pieces.length !== seen.ranges.length) {
    throw new EtlError('sink.reconcile-mismatch', { difference: `${seen.ranges.length} pieces were cut, the ledger has ${pieces.length}` });
  }
  const { rows, rejected, bytes } = sumsOf(pieces);
  const aside = (seen.aside ?? []).reduce((sum, reason) => sum + reason.rows, 0);
  if (seen.aside && aside !== rejected && seen.aside.length < MOST_REASONS) throw new EtlError('sink.reconcile-mismatch', { difference: `${rejected} rows were rejected, ${aside} are in quarantine` });
  if (seen.digest && seen.of !== 'sample' && seen.digest.rows !== rows) {
    throw new EtlError('sink.reconcile-mismatch', { difference: `${seen.digest.rows} good rows at the source, ${rows} written and ${rejected} rejected` });
  }
  return { kind: 'load', ...throughSteps(rows + rejected, seen), rejected, written: rows, bytes, chunks: seen.ranges.length, resumed: seen.resumed, digest: seen.digest, ...(seen.span ? { span: seen.span } : {}), ...(seen.aside?.length ? { aside: [...seen.aside] } : {}) };
}

export const summedReach = (pieces: readonly Reached[]): Reached => pieces.reduce((sum, { seen, kept }) => ({ seen: sum.seen + seen, kept: sum.kept + kept }), { seen: 0, kept: 0 });

/** Rows a load will have: what statistics said, or else what the pieces so far suggest; null before there is any. */
export function expectedRows(stated: number | undefined, done: { rows: number; chunks: number }, chunks: number): number | null {
  const guess = done.chunks > 0 ? Math.round(done.rows / done.chunks * chunks) : null;
  if (done.chunks === chunks) return done.rows;
  return stated === undefined ? guess : Math.max(stated, done.rows);
}
