import { z } from 'zod';
import { OnFail, PipelineCheck, Replaying } from './check.ts';
import { DatasetRef } from './dataset.ts';
import { stepEngines } from './transform/step-engines.ts';
import { Step } from './transform/step.ts';
import { SecretRef, noClimbing } from './secret-ref.ts';
import { OnDrift } from './drift.ts';
import { proofLevels } from './proof.ts';
import { ConnectionName, PipelineName, RequestId, SafeText } from './ids.ts';

export const loadModes = ['append', 'replace', 'upsert', 'merge', 'scd2'] as const;
/** Load modes that not every connector can write, by those that can. */
export const modesOfSome: Readonly<Record<'merge' | 'scd2', readonly string[]>> = { merge: ['postgres', 'sqlite'], scd2: ['postgres'] };
const ColumnName = SafeText.min(1).max(255);
/** Share of rows in percent, such as 20% or 0.5%. */
const Percent = z.string().regex(/^(100|\d{1,2})(\.\d{1,3})?%$/, 'must be a share such as 20%');
const Deletes = z.union([z.literal('close'), z.object({ atMost: Percent.describe('Greatest share of the rows of the target that one run may delete, or close; 100%: all of them.') }).strict()]);
/** Names of columns of the target, in the order of the folders. */
export const PartitionBy = z.array(ColumnName).min(1).max(8);
const Laters = z.unknown().describe('Parsed and refused by name in this release.');

export const PipelineSource = DatasetRef.pick({ connection: true }).extend({
  dataset: SafeText.min(1).max(1000).describe('schema.table, the name of a table where there are no schemas, or a path below the root of the connection; events/ and events/**/*.parquet are all files of a folder.'),
  select: z.array(ColumnName).min(1).optional().describe('Columns to take, in this order; all when left out.'),
  cursor: ColumnName.optional().describe('Column, never NULL, that every insert and every update moves: later runs read only what it says changed. Chosen by the planner when left out.'),
  pii: z.array(ColumnName).min(1).max(1000).optional().describe('Columns of the source that hold personal data. They, and all that is computed from them, count as personal until a step mask stands before them.'),
}).strict();
export const PipelineTarget = DatasetRef.pick({ connection: true }).extend({
  dataset: SafeText.min(1).max(1000).describe('schema.table, the name of a table where there are no schemas, or a path below the root of the connection.'),
  load: z.enum(loadModes).optional().describe('append, replace, upsert, merge (upsert that also deletes what vanished) or scd2 (every version of a row); the planner decides when left out.'),
  key: z.array(ColumnName).min(1).optional().describe('Columns that name a row, for upsert, merge and scd2.'),
  partitionBy: PartitionBy.optional().describe('Columns whose values name folders, year=2024/month=1/, in a folder of parts; the files do not hold them. At most 1,000 partitions; no floats, bytes or JSON.'),
  deletes: Deletes.optional().describe('What becomes of rows whose key vanished from the source. merge deletes them, 20 % of the target in one run at most unless atMost says otherwise; scd2 leaves them open unless it says close.'),
}).strict();

export const Schedule = z.object({
  cron: SafeText.max(100).describe('Five fields.'),
  timezone: SafeText.max(64).optional().describe('IANA zone; UTC when left out.'),
}).strict().meta({ id: 'Schedule', description: 'When a pipeline runs by itself.' });
export type Schedule = z.infer<typeof Schedule>;

export const Pipeline = z.object({
  version: z.literal(1).optional().describe('Version of this format.'),
  name: PipelineName.describe('Name, unique in the tenant.'),
  owner: SafeText.min(1).max(100).optional().describe('Who answers for it.'),
  description: SafeText.max(1000).optional().describe('What it is for, in a sentence.'),
  from: PipelineSource.describe('What is read.'),
  to: PipelineTarget.describe('What is written.'),
  steps: z.array(Step).max(100).optional().describe('Transformations, one after the other; docs/reference/expressions.md lists them.'),
  engine: z.enum(stepEngines).optional().describe('What computes the steps: duckdb for files, postgres for tables of PostgreSQL, or spark; the planner decides when left out.'),
  checks: z.array(PipelineCheck).max(200).optional().describe('What every row has to keep.'),
  quality: z.object({
    atLeast: z.number().min(0).max(1).optional().describe('Least score, such as 0.95: below it the run fails, and nothing is published.'),
  }).strict().optional().describe('Counts NULLs and broken checks of all rows, in one more statement, and keeps a score with the run. A check of severity warn asks for the same.'),
  onFail: OnFail.optional().describe('What becomes of bad rows; stop when left out.'),
  replays: Replaying.optional().describe('Rows in quarantine that are brought back; what `agent-etl quarantine replay` writes.'),
  onDrift: OnDrift.optional(),
  reconcile: z.enum(proofLevels).optional().describe('What is compared before anything becomes visible; the planner decides when left out.'),
  schedule: Schedule.optional().describe('Cron with zone: when it runs by itself, once per slot.'),
  runOn: z.enum(['workers', 'airflow']).optional().describe('Who decides when tasks start; workers when left out.'),
}).strict().meta({ id: 'Pipeline', description: 'A pipeline as a person writes it. Whatever is left out, the planner decides and says why.' });
export type Pipeline = z.infer<typeof Pipeline>;

/** The name alone. A further key does not end the parsing of an object, and a union tells only the mistakes of a member that went on: of every misspelled pipeline
 * that would be this one. So it ends here. */
const KnownPipeline = z.object({ name: PipelineName }).strict().check(({ issues, value }) => {
  if (issues.some(({ code }) => code === 'unrecognized_keys')) issues.push({ code: 'custom', input: value, message: 'is more than a name', continue: false });
});
export const PipelineRequest = z.object({
  requestId: RequestId.optional().describe("The requester's own id; made when left out."),
  say: SafeText.max(10_000).optional().describe('A sentence; refused by name in this release.'),
  pipeline: z.union([Pipeline, KnownPipeline]).optional().describe('The pipeline, or the name of a known one.'),
  run: z.enum(['now', 'never']).optional().describe('now: run when the plan is approved; never (default): only plan.'),
}).strict().superRefine(noClimbing).meta({ id: 'PipelineRequest', description: 'What someone asks for, by Kafka, REST or CLI.' });
export type PipelineRequest = z.infer<typeof PipelineRequest>;

const connectionBase = { name: ConnectionName.describe('Name used in datasets.') };
const postgres = {
  connector: z.literal('postgres').describe('PostgreSQL 13 or newer.'),
  url: SecretRef.optional().describe('Whole address as a secret; instead of host, database, user.'),
  host: SafeText.max(255).optional().describe('Host name, address, or folder of a socket.'),
  port: z.int().min(1).max(65_535).optional().describe('Port, 5432 when left out.'),
  database: SafeText.max(63).optional().describe('Database.'),
  user: SafeText.max(63).optional().describe('Login.'),
  password: SecretRef.optional().describe('Reference; absent for trust, peer or ambient identity.'),
  tls: z.enum(['disable', 'prefer', 'require', 'verify-full']).optional().describe('TLS; prefer when left out.'),
  limits: z.object({
    connections: z.int().min(1).max(64).optional().describe('Connections that move rows here at once, over all tasks of all workers; 8 when left out. A task keeps one more for its bookkeeping.'),
  }).strict().optional().describe('What this system is asked to bear.'),
};
const file = {
  connector: z.literal('file').describe('csv, tsv, ndjson, json and parquet files on the worker, and folders of them.'),
  root: SafeText.min(1).max(1000).describe('Folder; datasets are paths below it.'),
};
const sqlite = {
  connector: z.literal('sqlite').describe('Tables of one SQLite 3 file on the worker.'),
  root: SafeText.min(1).max(1000).describe('Folder that the file lies below.'),
  file: SafeText.min(1).max(1000).describe('Path of the database below it.'),
};
const mysql = {
  ...postgres,
  connector: z.literal('mysql').describe('MariaDB 10.6 or newer, or MySQL 8.'),
  host: SafeText.max(255).optional().describe('Host name or address.'),
  port: z.int().min(1).max(65_535).optional().describe('Port, 3306 when left out.'),
  password: SecretRef.optional().describe('Reference; absent for a login without one.'),
};
/** The body of a connection in agent-etl.yaml, where the name is the key. */
export const ConnectionSpec = z.discriminatedUnion('connector', [z.object(postgres).strict(), z.object(file).strict(), z.object(sqlite).strict(), z.object(mysql).strict()])
  .meta({ id: 'ConnectionSpec', description: 'A configured connector. Secrets are references, never values.' });
export type ConnectionSpec = z.infer<typeof ConnectionSpec>;
export const Connection = z.discriminatedUnion('connector', [
  z.object({ ...connectionBase, ...postgres }).strict(), z.object({ ...connectionBase, ...file }).strict(), z.object({ ...connectionBase, ...sqlite }).strict(), z.object({ ...connectionBase, ...mysql }).strict()])
  .meta({ id: 'Connection', description: 'A connection with its name, as workers get it.' });
export type Connection = z.infer<typeof Connection>;
export type PostgresConnection = Extract<Connection, { connector: 'postgres' }>;
export type FileConnection = Extract<Connection, { connector: 'file' }>;
export type MysqlConnection = Extract<Connection, { connector: 'mysql' }>;
export type SqliteConnection = Extract<Connection, { connector: 'sqlite' }>;

/** Connectors that product files may name but this release does not have. */
export const knownConnectors = ['postgres', 'file', 'sqlite', 'mysql'] as const;
