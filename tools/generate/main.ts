import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type App, Pipeline, Project, endpoints } from '@agent-etl/contracts';
import { connectorViews, pairCases, sinkCases, sourceCases } from '@agent-etl/connectors';
import { dagGeneratorService } from '@agent-etl/dag-generator';
import { etlWorkerService } from '@agent-etl/etl-worker';
import { monitorService } from '@agent-etl/monitor';
import { orchestratorService } from '@agent-etl/orchestrator';
import { migrationConfig } from '@agent-etl/persistence';
import { asyncApi, openApi, platformConfigs } from '@agent-etl/service-kit';
import { z } from 'zod';
import { analystQueriesPage } from './analyst-queries.ts';
import { chartPage } from './chart-page.ts';
import { expressionsPage } from './expressions.ts';
import { connectorsPage, environmentPage, errorsPage, metricsPage, servicePage, topicsPage, topicsYaml } from './reference.ts';

const root = join(import.meta.dirname, '..', '..');
const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
interface Property { readonly default?: unknown; readonly description?: string }
interface ObjectSchema { readonly properties?: Record<string, Property>; readonly required?: readonly string[] }

/** Rows of one environment table, from a config slice. */
function variables(schema: z.ZodType): string[][] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as ObjectSchema;
  return Object.entries(properties).map(([name, { default: standard, description = '' }]) =>
    [`\`${name}\``, standard === undefined ? (required.includes(name) ? 'required' : '-') : `\`${String(standard)}\``, description]);
}
const schemaOf = (schema: z.ZodType, id: string): string => pretty({ $id: id, ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) });
const services = [orchestratorService(), etlWorkerService(), dagGeneratorService(), monitorService()];
const roles: Readonly<Record<App, string>> = {
  orchestrator: 'API, planner and run state.', 'etl-worker': 'Moves rows and proves them.', 'dag-generator': 'Renders approved plans as Airflow DAGs.',
  monitor: 'Views, live feed, metrics and the dashboard.',
};
const yesNo = (value: unknown): string => (value ? 'yes' : 'no');

const files = async (): Promise<Record<string, string>> => ({
  'docs/reference/topics.md': topicsPage(), 'docs/reference/errors.md': errorsPage(), 'docs/reference/metrics.md': metricsPage(), 'docs/reference/expressions.md': expressionsPage(),
  'docs/reference/analyst-queries.md': await analystQueriesPage(join(root, 'libs', 'sql-safety', 'corpus')),
  'docs/reference/openapi.json': pretty(openApi(endpoints)), 'docs/reference/asyncapi.json': pretty(asyncApi()),
  'docs/reference/agent-etl.schema.json': schemaOf(Project, 'agent-etl.schema.json'), 'docs/reference/pipeline.schema.json': schemaOf(Pipeline, 'pipeline.schema.json'),
  'docs/reference/environment.md': environmentPage([['every service', Object.values(platformConfigs).flatMap(variables)], ['the command migrate of each service', variables(migrationConfig)], ...services.map(({ app, config }) => [app, variables(config)] as [string, string[][]])]),
  'docs/reference/connectors.md': connectorsPage(connectorViews().map(({ name, source, sink, tier, says }) => [`\`${name}\``, yesNo(source), yesNo(sink), tier, says]),
    { connectors: connectorViews(), cases: { pair: Object.values(pairCases), source: Object.values(sourceCases), sink: Object.values(sinkCases) } }),
  'deploy/kafka/topics.yaml': topicsYaml(), 'deploy/helm/agent-etl/README.md': await chartPage(join(root, 'deploy', 'helm', 'agent-etl')),
  ...Object.fromEntries(services.map(({ app, config }) => [`apps/${app}/README.md`, servicePage(app, roles[app], variables(config))])),
});

/** Writes every generated file, or with `check` names those that differ. Answers the exit code. */
export async function generate({ check }: { check: boolean }): Promise<number> {
  const stale: string[] = [];
  for (const [name, text] of Object.entries(await files())) {
    const path = join(root, name);
    const current = await readFile(path, 'utf8').catch(() => null);
    if (current === text) continue;
    stale.push(name);
    if (check) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  for (const name of stale) process.stdout.write(`${check ? 'stale' : 'wrote'} ${name}\n`);
  if (check && stale.length) process.stdout.write('run: npm run generate\n');
  return check && stale.length ? 1 : 0;
}
