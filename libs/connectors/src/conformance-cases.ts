/** What every connector must do, by where it stands. The one suite runs each of them against a real server or file; the matrix of the reference is made of them. */
/** From each source to each sink. */
export const pairCases = {
  carries: 'carries every row once, with its empty texts, nothings, line ends and a million letters',
  unhashed: 'publishes what nobody hashed, and its ledger says that no digest was taken',
  sampled: 'samples rows by the hash of their keys: both ends take the same rows, and all buckets together are the digest of all rows',
  empty: 'carries nothing when there is nothing',
  names: 'keeps names that are reserved, mixed or strange',
  aside: 'judges rows while it reads them: bad ones are set aside with the piece, by reason, as they were read, and the others are proved',
  stop: 'ends at the first bad row where none are set aside, by its reason, and writes nothing',
} as const;
/** As a source. */
export const sourceCases = {
  missing: 'names what is nearest to a dataset that is missing',
  drift: 'sees that a dataset has another shape than when it was planned',
  cancel: 'stops at once when it is cancelled, though nobody takes what it sends',
} as const;
/** As a sink. */
export const sinkCases = {
  resume: 'goes on from its ledger: what is written is not written again',
  fence: 'shuts an attempt out once a later one raised the fence, also in mid-piece',
  short: 'refuses a piece whose rows are not those that were read, and leaves nothing of it',
  staged: 'publishes only what its ledger says is staged',
  merges: 'merges by a key: what vanished goes, what is equal is not written, too many deletes change nothing; or says that it has no such mode',
  versions: 'keeps every version of a row, one of them current, also when it is published again; or says that it has no such mode',
  abandoned: 'drops what a run left that is over, and lets another one go on writing',
  leftovers: 'leaves no staging and no connection behind',
} as const;
