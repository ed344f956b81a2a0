import { type Connection, type ConnectionSpec, type ConnectionView, EtlError, type InspectResult, type InspectTask, isFinal } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { asError } from '../as-error.ts';
import { INSPECT_MS, lookRun } from '../runs/new-run.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { RunsService } from '../runs/runs.service.ts';
import { Changes } from '../signals/changes.service.ts';
import { ConnectionsRepository } from './connections.repository.ts';
import { ProjectService } from './project.service.ts';

const WAIT_SECONDS = 30;
const viewOf = ({ name, ...spec }: Connection): ConnectionView => ({ name, connector: spec.connector, spec: spec as ConnectionSpec });

/** What can be reached. The orchestrator opens no connection of a user itself: a worker looks. */
@Injectable()
export class ConnectionsService {
  constructor(
    private readonly state: StateDatabase, private readonly connections: ConnectionsRepository, private readonly project: ProjectService,
    private readonly runs: RunsService, private readonly rows: RunsRepository, private readonly changes: Changes,
  ) {}

  async list(tenantId: string): Promise<{ items: ConnectionView[] }> {
    await this.project.refresh();
    const found = await this.state.inTenantTx(tenantId, (tx) => this.connections.list(tx));
    return { items: found.map(viewOf) };
  }
  async put(tenantId: string, name: string, spec: ConnectionSpec): Promise<ConnectionView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      await this.connections.put(tx, name, spec);
      const [connection] = await this.connections.named(tx, [name]);
      return viewOf(connection!);
    });
  }

  /** Has a worker try the connection or list it, and waits for the answer.
   * @throws EtlError what the worker met, or `platform.unavailable` when no worker answered in time */
  async inspect(tenantId: string, name: string, want: InspectTask['want']): Promise<InspectResult> {
    await this.project.refresh();
    const { runId } = await this.state.inTenantTx(tenantId, async (tx) => {
      await this.connections.named(tx, [name]);
      const spec: InspectTask = { id: 'inspect', kind: 'inspect', connection: name, want };
      return this.runs.start(tx, lookRun({ spec, pipeline: name, pipelineId: null, requestId: null, now: await tx.now(), deadlineMs: INSPECT_MS }));
    });
    const run = await this.changes.until(runId, WAIT_SECONDS, { read: () => this.state.inTenantTx(tenantId, (tx) => this.rows.get(tx, runId)), settled: ({ state }) => isFinal(state) });
    if (run.failure) throw asError(run.failure);
    const result = run.tasks[0]?.result;
    if (result?.kind !== 'inspect') throw new EtlError('platform.unavailable', { dependency: 'every worker', kept: 'no' });
    return result;
  }
}
