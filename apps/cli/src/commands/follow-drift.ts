import { ApiError, type Client } from '@agent-etl/api-client';
import { RequestId, type RequestView, type RunView, endpoints } from '@agent-etl/contracts';

/** The request that the orchestrator has made by itself for a run that met a changed source; null where its pipeline does not say evolve, or where a person has to go on. */
export async function replanOf(client: Client, { failure, requestId, runId }: RunView): Promise<RequestView | null> {
  if (failure?.code !== 'source.schema-drifted') return null;
  const tries = Number(/^drift-(\d+)-/.exec(requestId ?? '')?.[1] ?? 0);
  try {
    return await client.call(endpoints.getRequest, { params: { requestId: RequestId.parse(`drift-${tries + 1}-${runId}`) } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
