import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@agent-etl/api-client';
import { endpoints } from '@agent-etl/contracts';
import { localSecretsFile } from '../commands/connections-add.ts';

/** The pipelines of the demo, as a person would write them. */
export const demoPipelines = {
  flights_to_warehouse: '{ version: 1, name: flights_to_warehouse, from: { connection: ops, dataset: public.flights }, to: { connection: warehouse, dataset: mart.flights } }\n',
  films: `version: 1
name: films
from: { connection: files, dataset: movies.json }
to: { connection: warehouse, dataset: mart.films }
steps:
  - rename: { Title: title, "Release Date": released, "MPAA Rating": mpaa }
  - cast: { column: released, to: date, format: "%b %d %Y", onError: quarantine }
checks: [ not_null: [title], range: { column: released, to: 2011-12-31 }, in: { column: mpaa, values: [G, PG, PG-13, R, NC-17, Not Rated] } ]
onFail: { quarantine: { atMost: 1% } }
`,
  daily_delays: `version: 1
name: daily_delays
from: { connection: warehouse, dataset: mart.flights }
to: { connection: lake, dataset: daily_delays.parquet, load: replace }
steps:
  - filter: delay_min >= -180
  - derive: { day: "cast(departed_at as date)" }
  - aggregate: { by: [day, origin], measures: [{ as: flights, fn: count }, { as: late, fn: count, where: "delay_min > 15" }, { as: delay_min, fn: sum, arg: delay_min }, { as: worst_min, fn: max, arg: delay_min }] }
  - join: { right: "files:airports.csv", kind: left, on: { origin: iata }, take: { airport: name, state: state } }
`,
  flights_again: '{ version: 1, name: flights_again, from: { connection: ops, dataset: public.flights }, to: { connection: warehouse, dataset: mart.flights, load: replace } }\n',
} as const;

/** Writes the project folder: pipelines to read and run, the login's password where the standalone finds it, an empty lake. */
export async function writeDemoProject(projectDir: string, password: string): Promise<void> {
  await mkdir(join(projectDir, 'pipelines'), { recursive: true });
  await mkdir(join(projectDir, '.agent-etl'), { recursive: true, mode: 0o700 });
  await rm(join(projectDir, 'lake'), { recursive: true, force: true });
  await mkdir(join(projectDir, 'lake'));
  await mkdir(join(projectDir, 'files'), { recursive: true });
  for (const [name, text] of Object.entries(demoPipelines)) await writeFile(join(projectDir, 'pipelines', `${name}.yaml`), text);
  await writeFile(localSecretsFile(projectDir), JSON.stringify({ demo: { password } }), { mode: 0o600 });
}
/** A file of the package as somebody would have been given it. */
export const handOver = ({ file, path }: { readonly file: string; readonly path: string }, projectDir: string): Promise<void> => copyFile(path, join(projectDir, 'files', file));
/** Tells the API where ops, warehouse, lake and the files are: the embedded server takes another port at each start. */
export async function putDemoConnections(client: Client, projectDir: string, postgresUrl: string): Promise<void> {
  const { hostname: host, port } = new URL(postgresUrl);
  for (const database of ['ops', 'warehouse']) {
    await client.call(endpoints.putConnection, {
      params: { name: database }, body: { connector: 'postgres', host, port: Number(port), database, user: 'demo', password: 'secret://demo#password', tls: 'disable' } });
  }
  for (const name of ['lake', 'files']) await client.call(endpoints.putConnection, { params: { name }, body: { connector: 'file', root: join(projectDir, name) } });
}
