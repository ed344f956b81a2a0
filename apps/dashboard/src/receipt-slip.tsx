import type { Receipt } from '@agent-etl/contracts';
import { Fragment } from 'react';
import { exact } from './format.ts';
import { Glyph } from './glyph.tsx';
import { digestWords } from './run-words.ts';

/** Where every row went: one line of figures over one bar of the same shares. */
export function Equation({ receipt: { read, filtered, rejected, written, grouped, joined } }: { receipt: Receipt }) {
  const parts = [['filtered', filtered, 'idle'], ['rejected', rejected, 'bad'], [grouped === undefined ? joined === undefined ? 'written' : 'joined' : 'grouped', grouped ?? joined ?? written, 'ok']] as const;
  const balances = read === filtered + rejected + (grouped ?? joined ?? written);
  return (
    <section className="card balance" aria-label="Balance">
      <div className="equation">
        <div><b>{exact(read)}</b><span>read</span></div>
        {parts.map(([name, rows, tone], at) => <div key={name} className="term"><i>{at ? '+' : '='}</i><div><b>{exact(rows)}</b><span><em className={`dot d-${tone}`} />{name}</span></div></div>)}
      </div>
      {balances ? <span className="badge t-ok"><Glyph tone="ok" />Balances to the row</span> : null}
      <div className="shares" aria-hidden>{parts.filter(([, rows]) => rows > 0).map(([name, rows, tone]) => <i key={name} className={`d-${tone}`} style={{ flexGrow: rows }} />)}</div>
    </section>
  );
}

/** The signed receipt, as a slip that stays in view. */
export function Slip({ receipt }: { receipt: Receipt }) {
  const { source, target, verdict, tone } = digestWords(receipt);
  return (
    <aside className="card receipt" aria-label="Receipt">
      <h2 className="t-ok"><Glyph tone="ok" size={20} />Reconciled</h2>
      <dl>
        <dt>Read</dt><dd>{exact(receipt.read)}</dd><dt>Filtered</dt><dd>{exact(receipt.filtered)}</dd><dt>Rejected</dt><dd>{exact(receipt.rejected)}</dd>
        <dt className="sum">Written</dt><dd className="sum">{exact(receipt.written)}</dd><dt>Published</dt><dd>{exact(receipt.published)}</dd>
      </dl>
      {receipt.combined ? <dl>{receipt.combined.map(({ with: others, kind, left, right, out, unmatched }, at) => <Fragment key={at}><dt>{kind} {others}</dt><dd>{exact(left)} with {exact(right)}, {exact(out)} behind it{unmatched === undefined ? '' : `, ${exact(unmatched)} found nothing`}</dd></Fragment>)}</dl> : null}
      {receipt.queried ? <dl>{receipt.queried.map(({ with: others, left, right, out }, at) => <Fragment key={at}><dt>query {others}</dt><dd>{exact(left)} with {exact(right)}, {exact(out)} behind it</dd></Fragment>)}</dl> : null}
      <dl>
        <dt>Chunks in ledger</dt><dd>{exact(receipt.chunks)}</dd><dt>Attempts</dt><dd>{exact(receipt.attempts)}</dd><dt>Compared by</dt><dd>{receipt.level === 'full' ? 'digest of every row' : receipt.sampled ? `digest of ${exact(receipt.sampled.rows)} rows in a sample, counts of all` : 'counts'}</dd>
        <dt>Approved by</dt><dd>{receipt.approvedBy}</dd>
      </dl>
      <dl>
        <dt>source</dt><dd className="mono" title={receipt.sourceDigest ?? undefined}>{source}</dd>
        <dt /><dd>{tone === 'ok' ? <span className="state t-ok"><Glyph tone="ok" size={14} />{verdict}</span> : <span className="t-bad">{verdict}</span>}</dd>
        <dt>target</dt><dd className="mono" title={receipt.targetDigest ?? undefined}>{target}</dd>
      </dl>
      <div className="seal">Signed with key <code>{receipt.keyId}</code><br />Check it without us: <code>agent-etl receipt verify</code></div>
    </aside>
  );
}
