import { EtlError, type Issue, issuesOf } from '@agent-etl/contracts';
import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;
/** The environment of this process: the one place that reads it. */
export const processEnvironment = (): Environment => process.env;

/** Parses several slices of one environment. A variable that is set to nothing counts as left out.
 * @throws EtlError `config.invalid` that lists every problem of all slices at once, by variable */
export function loadConfig<S extends Record<string, z.ZodType>>(slices: S, environment: Environment): { [K in keyof S]: z.output<S[K]> } {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
  const issues: Issue[] = [];
  const parsed = Object.entries(slices).map(([name, slice]) => {
    const result = slice.safeParse(given);
    if (!result.success) issues.push(...issuesOf(result.error).map(({ path, text, code }) => {
      const variable = path.slice(1);
      return { code, path: variable, text: code === 'invalid_type' && given[variable] === undefined ? 'is not set' : text };
    }));
    return [name, result.data] as const;
  });
  const unique = [...new Map(issues.map((issue) => [`${issue.path} ${issue.text}`, issue])).values()];
  if (unique.length) throw new EtlError('config.invalid', { problems: unique.map(({ path, text }) => `${path}: ${text}`).join('; ') }, { issues: unique });
  return Object.fromEntries(parsed) as { [K in keyof S]: z.output<S[K]> };
}

/** What every deployed process reads. */
export const serviceKitConfig = z.object({
  ETL_SERVICE_KIT_HOST: z.string().default('0.0.0.0').describe('Address to listen on.'),
  ETL_SERVICE_KIT_PORT: z.coerce.number().int().min(0).max(65_535).optional().describe('Port to listen on: 8080 orchestrator, 8081 dag-generator, 8082 monitor, 8083 etl-worker when left out.'),
  ETL_SERVICE_KIT_TOKENS: z.string().optional().describe('File, readable by its owner only, with the bearer tokens: {"<token>": {"name", "role", "tenantId"?}}. Needed by every service with a REST API.'),
  ETL_SERVICE_KIT_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least important level that is logged.'),
  ETL_SERVICE_KIT_GRACE_MS: z.coerce.number().int().min(1000).default(30_000).describe('Milliseconds between SIGTERM and SIGKILL.'),
  ETL_SERVICE_KIT_STATIC: z.string().optional().describe('Folder of a built dashboard to serve.'),
  ETL_SERVICE_KIT_CRASH: z.string().optional().describe('For tests with NODE_ENV=test only: crash point and pass, such as sink.after-commit:3.'),
  NODE_ENV: z.string().optional().describe('test allows crash points.'),
}).refine(({ ETL_SERVICE_KIT_CRASH: crash, NODE_ENV: mode }) => crash === undefined || mode === 'test', { path: ['ETL_SERVICE_KIT_CRASH'], message: 'only with NODE_ENV=test' });
export type ServiceKitConfig = z.output<typeof serviceKitConfig>;
