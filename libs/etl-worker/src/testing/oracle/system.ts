import type { RunState } from '@agent-etl/contracts';
import type { Ask } from './ask.ts';
import type { RunFacts, SaidOfRun, ShownRun } from './run-rules.ts';

/** How long after its deadline a run still waits for its workers. */
const GRACE = '15 seconds';

/** What orchestrator and monitor have kept of a copy, or null where there is no such run. */
export async function factsOf(state: Ask, runId: string): Promise<RunFacts | null> {
  const [run] = await state<{ state: RunState; planId: string | null; receipt: RunFacts['receipt']; isLate: boolean }>(`select state, plan_id as "planId", receipt, coalesce(finished_at, clock_timestamp()) > deadline + interval '${GRACE}' as "isLate" from orchestrator.run where run_id = $1`, [runId]);
  if (!run) return null;
  const tasks = await state<RunFacts['tasks'][number]>('select task_run_id as "taskRunId", id, kind, state, attempt, result from orchestrator.task_run where run_id = $1 order by ordinal', [runId]);
  const events = await state<SaidOfRun>('select type, task, attempt, state from orchestrator.run_event where run_id = $1 order by seq', [runId]);
  const [view] = await state<ShownRun>(`select view->>'state' as state, view->'receipt' as receipt from monitor.run_view where run_id = $1`, [runId]);
  const shown = await state<ShownRun>(`select event->>'state' as state, event->'receipt' as receipt from monitor.feed_event where $1 = any(topics) order by seq`, [`run:${runId}`]);
  return { runId, ...run, tasks, events, view: view ?? null, shown };
}
