import type { LiveRunView } from '@agent-etl/contracts';
import { Link } from 'wouter';
import { clock, duration, exact, short } from './format.ts';
import { Glyph } from './glyph.tsx';
import { type Tone, shareOf, speedOf, summarise, toneOf, wordOf } from './run-words.ts';
import { runsStore, useNow, useRuns } from './runs-store.ts';
import { Schedules } from './schedules.tsx';
import { Throughput } from './throughput.tsx';

function Tile({ tone, name, figure, note }: { tone: Tone; name: string; figure: string; note: string }) {
  return <div className="tile"><div className="name"><Glyph tone={tone} />{name}</div><div className={`figure ${figure === '0' ? '' : tone}`}>{figure}</div><div className="note">{note}</div></div>;
}
const elapsed = ({ startedAt, finishedAt }: LiveRunView, now: number): number => Math.max(0, (finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt));

function Row({ run, now }: { run: LiveRunView; now: number }) {
  const tone = toneOf(run.state);
  const share = shareOf(run);
  const phase = run.tasks.find(({ state }) => state === 'running');
  return (
    <tr>
      <td><Link href={`/runs/${run.runId}`}>{run.pipeline}</Link> <span className="sub mono">{run.runId.slice(-6)}</span></td>
      <td><span className={`state t-${tone}`}><Glyph tone={tone} />{wordOf(run.state)}{phase ? <span className="sub"> {phase.progress?.phase ?? phase.id}</span> : null}</span></td>
      <td><span className="bar" data-state={tone} role="img" aria-label={share === null ? 'share unknown' : `${Math.round(share * 100)} percent`}><i style={{ width: `${(share ?? 0) * 100}%` }} /></span></td>
      <td className="num" data-part="rows">{exact(run.rows)}{run.totalRows && run.state !== 'succeeded' ? <span className="sub"> of about {short(run.totalRows)}</span> : null}</td>
      <td className="num">{run.state === 'running' && run.rowsPerSecond ? short(run.rowsPerSecond) : '–'}</td>
      <td className="num">{duration(elapsed(run, now))}</td>
      <td className="num">{clock(run.startedAt, now)}</td>
      <td>{run.receipt ? <span className="t-ok">source = target</span> : run.failure ? <span className="t-bad">{run.failure.code}</span> : <span className="sub">–</span>}</td>
    </tr>
  );
}
function Empty() {
  return <div className="empty"><strong>Runs appear here as they start.</strong><span>Copy a table, with no file at all:</span><code>npx agent-etl run env:SHOP_URL --to ./orders.parquet --table public.orders</code></div>;
}

export function RunsPage() {
  const { runs, loaded, problem } = useRuns();
  const now = useNow();
  const { title, running, green, red, cancelled, rows } = summarise(runs);
  const speed = speedOf(runs);
  return (
    <>
      <h1>{loaded && !(problem && runs.length === 0) ? title : 'Runs'}</h1>
      <p className="lead">{loaded ? `${exact(rows)} rows are proved by receipts.` : '\u00a0'}</p>
      <div className="top">
        <div className="card tiles">
          <Tile tone="run" name="Running" figure={exact(running)} note={speed ? `${short(speed)} rows/s` : 'nothing moves'} />
          <Tile tone="ok" name="Green" figure={exact(green)} note="source equals target" />
          <Tile tone="bad" name="Red" figure={exact(red)} note={red ? 'read why below' : 'none'} />
          <Tile tone="idle" name="Cancelled" figure={exact(cancelled)} note="stopped by a person" />
        </div>
        <div className="card speed"><header><h2>Rows per second</h2><strong>{short(speed)}</strong></header><Throughput /></div>
      </div>
      <Schedules now={now} />
      <div className="section"><h2>Runs</h2><span>{loaded ? exact(runs.length) : ''}</span></div>
      {problem ? <div className="card error" role="alert"><strong>The runs cannot be read: {problem}</strong><span className="sub">What is shown stays as it was. The page tries again when the feed is back.</span><button type="button" onClick={() => { void runsStore.load(); }}>Try again</button></div> : null}
      {problem && runs.length === 0 ? null : <div className="card rows">
        {!loaded ? <div className="hold" /> : runs.length === 0 ? <Empty /> : (
          <table>
            <thead><tr><th>Pipeline</th><th>State</th><th>Done</th><th className="num">Rows</th><th className="num">Rows/s</th><th className="num">Took</th><th className="num">Started</th><th>Proof</th></tr></thead>
            <tbody>{runs.map((run) => <Row key={run.runId} run={run} now={now} />)}</tbody>
          </table>)}
      </div>}
    </>
  );
}
