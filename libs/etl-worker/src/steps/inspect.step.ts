import type { InspectResult, InspectTask } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** Tries a connection, or lists what it holds. */
export async function runInspect(context: StepContext, task: InspectTask): Promise<InspectResult> {
  const connection = await context.open(task.connection);
  return connection.inspect(task.want);
}
