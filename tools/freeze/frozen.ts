import { createHash } from 'node:crypto';
import { messageTypes, messages } from '@agent-etl/contracts';
import { dagGeneratorService } from '@agent-etl/dag-generator';
import { etlWorkerService } from '@agent-etl/etl-worker';
import { monitorService } from '@agent-etl/monitor';
import { orchestratorService } from '@agent-etl/orchestrator';
import { STATE_RELEASE } from '@agent-etl/persistence';
import { z } from 'zod';

export const release = STATE_RELEASE;
/** The JSON Schema of each message: what a reader of this release takes. */
export const catalogue = (): Record<string, unknown> => Object.fromEntries(messageTypes.map((type) => [type, { topic: messages[type].topic, key: messages[type].key, payload: z.toJSONSchema(messages[type].payload, { io: 'input' }) }]));
/** A message as this release reads it. @throws ZodError */
export const read = (type: keyof typeof messages, value: unknown): unknown => messages[type].payload.parse(value);

/** Each schema's migrations with the digest of what they say to a database. */
export async function migrations(): Promise<Record<string, { name: string; sha256: string }[]>> {
  const services = [orchestratorService(), etlWorkerService(), dagGeneratorService(), monitorService()];
  return Object.fromEntries(await Promise.all(services.map(async ({ schema, migrations: classes }) => [schema, await Promise.all(classes.map(async (One) => {
    const said: string[] = [];
    const migration = new One();
    await migration.up({ query: (text: string) => { said.push(text); return Promise.resolve(); } } as never);
    return { name: migration.name, sha256: createHash('sha256').update(said.join(';\n')).digest('hex') };
  }))] as const)));
}
