import { type PipelineView, endpoints } from '@agent-etl/contracts';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { api } from './api.ts';
import { clock } from './format.ts';
import { type Scheduled, latestOf, nextOf, scheduledOf, toneOfSlot } from './schedule-words.ts';
import { Glyph } from './glyph.tsx';

const LOOK_MS = 30_000;
/** Pipelines with a schedule that workers keep. Where no orchestrator answers at this address there are none to show: runs come over the feed all the same. */
function useScheduled(): readonly Scheduled[] {
  const [pipelines, setPipelines] = useState<readonly PipelineView[]>([]);
  useEffect(() => {
    let isGone = false;
    const look = async (): Promise<void> => {
      const items = await api.call(endpoints.listPipelines, { query: { limit: 500 } }).then((page) => page.items, () => null);
      if (items && !isGone) setPipelines(items);
    };
    void look();
    const timer = setInterval(() => { void look(); }, LOOK_MS);
    return () => { isGone = true; clearInterval(timer); };
  }, []);
  return scheduledOf(pipelines);
}

function Row({ name, schedule, now }: Scheduled & { now: number }) {
  const slot = schedule.lastSlot;
  return (
    <tr>
      <td>{name}</td><td className="mono">{schedule.cron} <span className="sub">{schedule.timezone ?? 'UTC'}</span></td>
      <td>{nextOf(schedule, (at) => clock(at, now))}</td>
      <td>{slot ? <span className={`state t-${toneOfSlot(slot)}`}><Glyph tone={toneOfSlot(slot)} />{slot.runId ? <Link href={`/runs/${slot.runId}`}>{latestOf(slot, (at) => clock(at, now))}</Link> : latestOf(slot, (at) => clock(at, now))}</span> : <span className="sub">none yet</span>}
        {slot?.failure ? <span className="sub"> {slot.failure.text}</span> : null}</td>
    </tr>
  );
}
/** When pipelines run next by themselves, and what became of their latest slot. */
export function Schedules({ now }: { now: number }) {
  const scheduled = useScheduled();
  if (scheduled.length === 0) return null;
  return (
    <>
      <div className="section"><h2>Schedules</h2><span>{scheduled.length}</span></div>
      <div className="card rows"><table>
        <thead><tr><th>Pipeline</th><th>Cron</th><th>Next slot</th><th>Latest slot</th></tr></thead>
        <tbody>{scheduled.map((each) => <Row key={each.name} {...each} now={now} />)}</tbody>
      </table></div>
    </>
  );
}
