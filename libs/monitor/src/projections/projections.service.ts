import { Injectable } from '@nestjs/common';
import type { LiveRunView } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { FeedRepository } from '../feed/feed.repository.ts';
import { FEED_CHANNEL, LiveHub } from '../feed/live-hub.service.ts';
import { incrementsFor, isGreen } from '../metrics/metrics-rules.ts';
import { MetricsRepository } from '../metrics/metrics.repository.ts';
import { instant } from '../runs/instant.ts';
import { type RunEvent, type SeenRun, applyRunEvent } from '../runs/run-view-state.ts';
import { RunViewsRepository } from '../runs/run-views.repository.ts';

const topicsOf = ({ runId, pipeline }: LiveRunView): string[] => ['runs', `run:${runId}`, ...(pipeline ? [`pipeline:${pipeline}`] : [])];
const secondsOf = ({ view }: SeenRun): number => (view.finishedAt ? Math.max(0, (instant(view.finishedAt) - instant(view.startedAt)) / 1000) : 0);

/** Turns events of runs into views, numbered feed events and counters: all in the inbox transaction of the event. */
@Injectable()
export class ProjectionsService {
  constructor(private readonly runs: RunViewsRepository, private readonly feed: FeedRepository, private readonly metrics: MetricsRepository, private readonly hub: LiveHub) {}

  async onRunEvent(tx: TenantTx, event: RunEvent): Promise<void> {
    const seq = await this.feed.nextSeq(tx);
    const before = await this.runs.lock(tx, event.payload.runId);
    const applied = applyRunEvent(before, event);
    const seen: SeenRun = { ...applied, view: { ...applied.view, seq } };
    await this.runs.save(tx, seen);
    await this.metrics.add(tx, incrementsFor(before, event, secondsOf(seen)));
    if (isGreen(event)) await this.metrics.markGreen(tx, event.payload.pipeline, event.payload.finishedAt);
    await this.#throughput(tx, event);
    await this.feed.add(tx, { seq, topics: seen.kind === 'copy' ? topicsOf(seen.view) : [], event: seen.view });
    await tx.tellOthers(FEED_CHANNEL);
    tx.afterCommit(() => {
      this.hub.wake(tx.tenantId);
      if (event.type === 'task.run.progressed.v1' || event.type === 'run.finished.v1') this.hub.tellThroughput(tx.tenantId, seen.view.rowsPerSecond);
    });
  }

  async #throughput(tx: TenantTx, event: RunEvent): Promise<void> {
    const { runId } = event.payload;
    if (event.type === 'run.finished.v1') return this.metrics.forgetTaskRows(tx, runId);
    const rows = reportedRows(event);
    if (rows === null || event.type === 'run.started.v1') return;
    const known = await this.metrics.swapTaskRows(tx, { runId, taskRunId: event.payload.taskRunId, rows });
    if (rows > known) await this.metrics.addThroughput(tx, event.at, rows - known);
  }
}
/** Rows that a load says it moved so far, or null when the event says nothing of rows. */
function reportedRows(event: RunEvent): number | null {
  if (event.type === 'task.run.progressed.v1') return event.payload.progress.phase === 'copying' ? event.payload.progress.rows : null;
  if (event.type === 'task.run.succeeded.v1') return event.payload.result.kind === 'load' ? event.payload.result.written : null;
  return null;
}
