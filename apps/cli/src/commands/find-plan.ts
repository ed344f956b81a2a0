import type { Client } from '@agent-etl/api-client';
import { EtlError, PipelineName, type PlanView, endpoints } from '@agent-etl/contracts';
import type { Session } from '../session/session.ts';

/** As many digits as screens show of an id. */
const shownDigits = 12;

/** The plan that was proposed last for a pipeline; null when there is none. */
export async function latestPlan(client: Client, pipeline: string): Promise<PlanView | null> {
  const name = PipelineName.safeParse(pipeline);
  if (!name.success) return null;
  return (await client.call(endpoints.listPlans, { query: { pipeline: name.data, limit: 1 } })).items[0] ?? null;
}
/** The one plan whose id begins so; null when none does or the text is no such beginning.
 * @throws EtlError `request.ambiguous` when several do */
export async function planThatBegins(session: { client: Session['client'] }, text: string, least = shownDigits): Promise<PlanView | null> {
  if (text.length < least || !/^[0-9a-f]{6,63}$/.test(text)) return null;
  const { items } = await (await session.client()).call(endpoints.listPlans, { query: { begins: text, limit: 2 } });
  if (items.length > 1) throw new EtlError('request.ambiguous', { questions: `several plans begin with ${text}`, next: 'write more digits of the id' });
  return items[0] ?? null;
}
