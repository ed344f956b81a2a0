import { type Source, handedSource } from '@agent-etl/connectors';
import type { LoadTask } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** What a load reads from: its source, the engine child to which the source and the datasets beside it are handed, or Spark, for which its source is staged. */
export async function sourceOf(context: StepContext, task: LoadTask): Promise<Source> {
  if (task.transform?.handOff) return handedSource({ scratch: await context.scratch(), secrets: await context.secrets(), open: async (connection) => (await context.open(connection)).source });
  const { source } = await context.open(task.source.connection);
  return task.engine === 'spark' ? context.onSpark(source) : source;
}
