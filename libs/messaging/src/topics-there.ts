import { EtlError } from '@agent-etl/contracts';
import { causesOf } from './kafka-failure.ts';

interface AsksForTopics { fetchTopicMetadata(asked: { topics: string[] }): Promise<unknown> }

/** Looks for topics by name, so that no topic of others is in the answer; none is made. Needs no group.
 * @throws EtlError `platform.unavailable` naming those that are missing; `config.invalid` naming those that the login may not see; else what the client throws */
export async function assertTopicsThere(admin: AsksForTopics, places: readonly string[]): Promise<void> {
  const found = await Promise.all(places.map(async (place) => ({ place, is: await stateOf(admin, place) })));
  const refused = found.filter(({ is }) => is === 'refused').map(({ place }) => place);
  if (refused.length) {
    const issue = { code: 'config', path: 'ETL_MESSAGING_SASL', text: `Kafka does not let this login read ${refused.join(', ')}: it needs Describe and Read there` };
    throw new EtlError('config.invalid', { problems: `${issue.path}: ${issue.text}` }, { issues: [issue] });
  }
  const missing = found.filter(({ is }) => is === 'missing').map(({ place }) => place);
  if (missing.length) throw new EtlError('platform.unavailable', { dependency: `On Kafka, ${missing.length > 1 ? 'each of the topics' : 'the topic'} ${missing.join(', ')}`, kept: 'no', next: 'make the topics: run the command topics create, or look at ETL_MESSAGING_PREFIX' });
}

async function stateOf(admin: AsksForTopics, place: string): Promise<'there' | 'missing' | 'refused'> {
  try { await admin.fetchTopicMetadata({ topics: [place] }); return 'there'; } catch (error) {
    const types = [...causesOf(error)].map(({ type }) => type);
    if (types.includes('UNKNOWN_TOPIC_OR_PARTITION')) return 'missing';
    if (types.includes('TOPIC_AUTHORIZATION_FAILED')) return 'refused';
    throw error;
  }
}
