import type { LiveRunView, Receipt } from '@agent-etl/contracts';
import { Link } from 'wouter';
import { clock, duration, exact } from './format.ts';
import { Glyph } from './glyph.tsx';
import { toneOf, wordOf } from './run-words.ts';
import { useNow, useRun } from './runs-store.ts';

type TaskView = LiveRunView['tasks'][number];
const shortDigest = (digest: string): string => { const [kind = '', , a = '', b = ''] = digest.split(':'); return `${kind}:${a.slice(-6)}…${b.slice(-6)}`; };

function Lane({ task, from, to, now }: { task: TaskView; from: number; to: number; now: number }) {
  const tone = toneOf(task.state);
  const began = task.startedAt ? Date.parse(task.startedAt) : null;
  const ended = task.finishedAt ? Date.parse(task.finishedAt) : now;
  const width = Math.max(1, to - from);
  const { progress } = task;
  return (
    <div className="lane">
      <span className={`state t-${tone}`}><Glyph tone={tone} />{task.id}</span>
      <div className="track" data-state={tone} role="img" aria-label={`${task.id} ${wordOf(task.state)}`}>{began === null ? null : <i style={{ left: `${((began - from) / width) * 100}%`, width: `${((ended - began) / width) * 100}%` }} />}</div>
      <span className="sub">{began === null ? 'waits' : duration(ended - began)}</span>
      <span className="note">{[task.attempt > 1 ? `attempt ${task.attempt}` : '', task.worker ?? '', progress ? `${exact(progress.rows)} rows, ${progress.chunksDone} of ${progress.chunks} chunks, ${progress.phase}` : '', task.failure?.text ?? ''].filter(Boolean).join(' · ')}</span>
    </div>
  );
}
function Slip({ receipt }: { receipt: Receipt }) {
  const equal = receipt.sourceDigest === receipt.targetDigest;
  return (
    <aside className="card receipt" aria-label="Receipt">
      <h2 className="state t-ok"><Glyph tone="ok" />Reconciled</h2>
      <dl>
        <dt>read</dt><dd>{exact(receipt.read)}</dd><dt>filtered</dt><dd>{exact(receipt.filtered)}</dd><dt>rejected</dt><dd>{exact(receipt.rejected)}</dd><dt>written</dt><dd>{exact(receipt.written)}</dd>
        <dt>published</dt><dd>{exact(receipt.published)}</dd><dt>chunks</dt><dd>{exact(receipt.chunks)}</dd><dt>attempts</dt><dd>{exact(receipt.attempts)}</dd>
        <dt>compared</dt><dd>{receipt.level}</dd><dt>source</dt><dd className="mono" title={receipt.sourceDigest}>{shortDigest(receipt.sourceDigest)}</dd>
        <dt>target</dt><dd className="mono" title={receipt.targetDigest}>{shortDigest(receipt.targetDigest)} {equal ? '=' : '≠'}</dd><dt>approved by</dt><dd>{receipt.approvedBy}</dd>
      </dl>
      <div className="seal">Signed with key <code>{receipt.keyId}</code>. Check it without us: <code>agent-etl receipt verify</code></div>
    </aside>
  );
}
function titleOf({ state, startedAt, finishedAt, pipeline }: LiveRunView, now: number): string {
  const took = duration((finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt));
  if (state === 'succeeded') return `${pipeline}: green in ${took}`;
  if (state === 'failed') return `${pipeline}: red after ${took}`;
  return `${pipeline}: ${wordOf(state).toLowerCase()} for ${took}`;
}

export function RunPage({ runId }: { runId: string }) {
  const { run, loaded, problem } = useRun(runId);
  const now = useNow();
  if (!run) return <><h1>Run</h1><p className="lead">{problem ?? (loaded ? 'There is no such run.' : '\u00a0')}</p><p className="lead"><Link href="/">All runs</Link></p></>;
  const from = Date.parse(run.startedAt);
  const to = run.finishedAt ? Date.parse(run.finishedAt) : now;
  const { receipt, failure } = run;
  return (
    <>
      <h1 className="state"><Glyph tone={toneOf(run.state)} size={22} />{titleOf(run, now)}</h1>
      <p className="lead">Started {clock(run.startedAt, now)} · <span className="mono">{run.runId}</span></p>
      {receipt ? <p className="equation">read <b>{exact(receipt.read)}</b> = filtered <b>{exact(receipt.filtered)}</b> + rejected <b>{exact(receipt.rejected)}</b> + written <b>{exact(receipt.written)}</b></p>
        : <p className="equation"><b>{exact(run.rows)}</b> rows so far{run.totalRows ? `, of about ${exact(run.totalRows)}` : ''}</p>}
      {failure ? <div className="card error" role="alert"><strong>{failure.text}</strong>{failure.next ? <span>Next: {failure.next}</span> : null}<span className="sub mono">{failure.code}{failure.traceId ? ` · ${failure.traceId}` : ''}</span></div> : null}
      <div className="split">
        <section className="card lanes" aria-label="Timeline">{run.tasks.map((task) => <Lane key={task.id} task={task} from={from} to={to} now={now} />)}</section>
        {receipt ? <Slip receipt={receipt} /> : <aside className="card receipt"><h2>No receipt yet</h2><p className="sub">It appears when source and target are found equal.</p></aside>}
      </div>
    </>
  );
}
