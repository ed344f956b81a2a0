import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@agent-etl/api-client';
import { endpoints } from '@agent-etl/contracts';
import { localSecretsFile } from '../commands/connections-add.ts';

/** The pipelines of the demo, as a person would write them. */
export const demoPipelines = {
  flights_to_warehouse: '{ version: 1, name: flights_to_warehouse, from: { connection: ops, dataset: public.flights }, to: { connection: warehouse, dataset: mart.flights } }\n',
  flights_to_lake: '{ version: 1, name: flights_to_lake, from: { connection: warehouse, dataset: mart.flights }, to: { connection: lake, dataset: flights.parquet } }\n',
  flights_again: '{ version: 1, name: flights_again, from: { connection: ops, dataset: public.flights }, to: { connection: warehouse, dataset: mart.flights, load: replace } }\n',
} as const;

/** Writes the project folder: pipelines to read and run, the login's password where the standalone finds it, an empty lake. */
export async function writeDemoProject(projectDir: string, password: string): Promise<void> {
  await mkdir(join(projectDir, 'pipelines'), { recursive: true });
  await mkdir(join(projectDir, '.agent-etl'), { recursive: true, mode: 0o700 });
  await rm(join(projectDir, 'lake'), { recursive: true, force: true });
  await mkdir(join(projectDir, 'lake'));
  for (const [name, text] of Object.entries(demoPipelines)) await writeFile(join(projectDir, 'pipelines', `${name}.yaml`), text);
  await writeFile(localSecretsFile(projectDir), JSON.stringify({ demo: { password } }), { mode: 0o600 });
}
/** Tells the API where ops, warehouse and lake are: the embedded server takes another port at each start. */
export async function putDemoConnections(client: Client, projectDir: string, postgresUrl: string): Promise<void> {
  const { hostname: host, port } = new URL(postgresUrl);
  for (const database of ['ops', 'warehouse']) {
    await client.call(endpoints.putConnection, {
      params: { name: database }, body: { connector: 'postgres', host, port: Number(port), database, user: 'demo', password: 'secret://demo#password', tls: 'disable' } });
  }
  await client.call(endpoints.putConnection, { params: { name: 'lake' }, body: { connector: 'file', root: join(projectDir, 'lake') } });
}
