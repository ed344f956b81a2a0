import { z } from 'zod';
import { ConnectionName, SafeText } from './ids.ts';
import { ConnectionSpec } from './pipeline.ts';
import { SecretRef, noClimbing } from './secret-ref.ts';

export const AirflowTarget = z.object({
  folder: SafeText.min(1).optional().describe('Folder the Airflow scheduler reads. Without it DAGs go to the preview folder.'),
  minor: z.enum(['3.3']).optional().describe('Minor version of that Airflow.'),
  flavour: z.enum(['http']).optional().describe('http: Airflow asks our API to run each task.'),
  connection: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'must begin with a-z and go on with a-z 0-9 _, at most 63 characters').optional().describe('Airflow connection that reaches our API; agent_etl when left out.'),
}).strict().meta({ id: 'AirflowTarget', description: 'Where and for which Airflow DAGs are rendered.' });
export type AirflowTarget = z.infer<typeof AirflowTarget>;

export const Policy = z.object({
  approve: z.object({
    upTo: z.enum(['R0', 'R1']).optional().describe('Highest risk class that needs no person; R1 when left out.'),
    second: z.boolean().optional().describe('Whether somebody else than the author must approve.'),
  }).strict().optional().describe('Who may approve what.'),
  profile: z.enum(['after-run', 'asked']).optional().describe('When the values of a source are profiled: after-run, the default, once after the first green run that read it, in a slot that nobody wants; asked: only by agent-etl profile.'),
  pii: z.object({
    clearIn: z.array(ConnectionName).describe('Connections that may hold personal data as it is; all others get it masked, or not at all. Empty: none may.'),
  }).strict().optional().describe('Where personal data (from.pii) may go. Left out, plans only say where it goes.'),
  masking: z.object({
    keys: z.array(SecretRef).max(100).describe('References that may be keys: one with its field is that alone, one without is all its fields, one that ends in / is all beneath. Empty: none.'),
  }).strict().optional().describe('Which secrets may be keys of mask and tokenize. Left out: secret://masking and all beneath secret://masking/.'),
  airflow: AirflowTarget.optional().describe('DAG target.'),
  budgets: z.looseObject({}).optional().describe('Budgets; refused by name in this release.'),
  egress: z.looseObject({}).optional().describe('Networks that may be dialled; refused by name in this release.'),
}).strict().meta({ id: 'Policy', description: 'What may happen without asking.' });
export type Policy = z.infer<typeof Policy>;

export const SecretsConfig = z.discriminatedUnion('store', [
  z.object({ store: z.literal('env').describe('ETL_SECRET_<NAME>_<FIELD>.') }).strict(),
  z.object({ store: z.literal('file').describe('One JSON file with mode 0600.'), file: SafeText.describe('Path of the file.') }).strict(),
  z.object({
    store: z.literal('aws-secrets-manager').describe('AWS Secrets Manager.'), region: SafeText.max(64).describe('AWS region.'),
    prefix: SafeText.max(256).optional().describe('Put before each name.'), endpoint: z.url().optional().describe('Another endpoint, for an emulator.'),
  }).strict(),
]).meta({ id: 'SecretsConfig', description: 'Where secret references are opened.' });
export type SecretsConfig = z.infer<typeof SecretsConfig>;

export const Project = z.object({
  version: z.literal(1).describe('Version of this format.'),
  connections: z.record(ConnectionName, ConnectionSpec).optional().describe('Connections by name.'),
  secrets: SecretsConfig.optional().describe('Secret store; env when left out.'),
  policy: Policy.optional().describe('What may happen without asking.'),
}).strict().superRefine(noClimbing).meta({ id: 'Project', description: 'agent-etl.yaml: the connections, secrets and policy of a project folder.' });
export type Project = z.infer<typeof Project>;
