import type { LiveRunView } from '@agent-etl/contracts';
import { Link } from 'wouter';
import { clock, duration, exact, short } from './format.ts';
import { Glyph } from './glyph.tsx';
import { Equation, Slip } from './receipt-slip.tsx';
import { shareOf, toneOf, wordOf } from './run-words.ts';
import { useNow, useRun } from './runs-store.ts';

type TaskView = LiveRunView['tasks'][number];

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
      <span className="note">{[task.attempt > 1 ? `attempt ${task.attempt}` : '', task.worker ?? '', progress ? `${exact(progress.rows)} rows, ${progress.chunksDone} of ${progress.chunks} chunks${task.finishedAt ? '' : `, ${progress.phase}`}` : '', task.failure?.text ?? ''].filter(Boolean).join(' · ')}</span>
    </div>
  );
}
/** Hour of the start, then a tick at each quarter. */
function Axis({ from, to }: { from: number; to: number }) {
  return <div className="lane axis" aria-hidden><span /><div>{[0, 0.25, 0.5, 0.75].map((part) => <span key={part} style={{ left: `${part * 100}%` }}>{part ? `+${duration((to - from) * part)}` : clock(new Date(from).toISOString(), from)}</span>)}</div><span /></div>;
}
function titleOf({ state, startedAt, finishedAt, pipeline }: LiveRunView, now: number): string {
  const took = duration((finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt));
  if (state === 'succeeded') return `${pipeline}: green in ${took}`;
  if (state === 'failed') return `${pipeline}: red after ${took}`;
  return `${pipeline}: ${wordOf(state).toLowerCase()} for ${took}`;
}

/** Why there is nothing to show. */
const missing = (problem: string | null): string => (problem === null || problem.includes('no run') ? 'There is no such run.' : problem);

export function RunPage({ runId }: { runId: string }) {
  const { run, loaded, problem } = useRun(runId);
  const now = useNow();
  if (!run) return <><h1>Run</h1><p className="lead">{loaded ? missing(problem) : '\u00a0'}</p><p className="lead"><Link href="/">All runs</Link></p></>;
  const from = Date.parse(run.startedAt);
  const to = run.finishedAt ? Date.parse(run.finishedAt) : now;
  const { receipt, failure } = run;
  const share = shareOf(run);
  return (
    <>
      <nav className="crumbs" aria-label="Path"><Link href="/">Runs</Link><span aria-hidden>›</span><span>{run.pipeline}</span><span aria-hidden>›</span><code>{run.runId.slice(-12)}</code></nav>
      <h1 className="state"><Glyph tone={toneOf(run.state)} size={22} />{titleOf(run, now)}</h1>
      <p className="lead">Started {clock(run.startedAt, now)} · <span className="mono">{run.runId}</span></p>
      {receipt ? <Equation receipt={receipt} />
        : <section className="card balance" aria-label="Rows so far"><div className="equation"><div><b>{exact(run.rows)}</b><span>rows so far{run.totalRows ? `, of about ${exact(run.totalRows)}` : ''}</span></div>
          {run.state === 'running' && run.rowsPerSecond ? <div><b>{short(run.rowsPerSecond)}</b><span>rows per second</span></div> : null}</div>
        {share === null ? null : <div className="shares" aria-hidden><i className="d-run" style={{ flexGrow: share }} /><i style={{ flexGrow: 1 - share }} /></div>}</section>}
      {failure ? <div className="card error" role="alert"><strong>{failure.text}</strong>{failure.next ? <span>Next: {failure.next}</span> : null}<span className="sub mono">{failure.code}{failure.traceId ? ` · ${failure.traceId}` : ''}</span></div> : null}
      <div className="split">
        <section className="card lanes" aria-label="Timeline"><header><h2>Timeline</h2><span className="sub">{run.tasks.length} tasks · {duration(to - from)}</span></header><Axis from={from} to={to} />{run.tasks.map((task) => <Lane key={task.id} task={task} from={from} to={to} now={now} />)}</section>
        {receipt ? <Slip receipt={receipt} /> : <aside className="card receipt"><h2>No receipt yet</h2><p className="sub">It appears when source and target are found equal.</p></aside>}
      </div>
    </>
  );
}
