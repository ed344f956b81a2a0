import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Client } from '@agent-etl/api-client';
import type { OwnBroker } from '@agent-etl/messaging/testing';
import pg from 'pg';

/** A set-up before it runs. What it has decides which scenarios are registered: one that cannot take place there is not counted there. */
export interface SetUp {
  readonly name: string;
  /** `broker`: messages pass a Kafka that can be reached, killed and started again. `services`: each service is a process of its own. */
  readonly has: { readonly broker: boolean; readonly services: boolean };
  readonly start: () => Promise<World>;
}
/** One running set-up, seen from outside: its API, its user's databases and files, its command line. */
export interface World {
  readonly client: Client;
  readonly url: string;
  readonly token: string;
  /** Address of every process that answers HTTP, by name. */
  readonly doors: Readonly<Record<string, string>>;
  /** Superuser of the server that holds the user's databases, and the state. */
  readonly postgresUrl: string;
  /** Folder that file connections may use, and that holds logs and rendered DAGs. */
  readonly folder: string;
  /** Folder below which each worker has its scratch. */
  readonly scratch: string;
  readonly publicKey: string;
  /** Puts one bare line on etl.pipeline.requests; null where the bus cannot be reached from outside. */
  readonly produce: ((line: string) => Promise<void>) | null;
  /** The broker, to be killed and started again; null where the bus is in memory. */
  readonly broker: OwnBroker | null;
  /** Processes of ours that run, by the name of their app. */
  processes(): Promise<Readonly<Record<string, number>>>;
  /** What /metrics of each process says. */
  metrics(): Promise<Readonly<Record<string, string>>>;
  /** Waits until all that was killed runs again; what nobody starts by itself is started. */
  revive(): Promise<void>;
  /** Runs a command to its end. `during` gets the process while it runs, to send it signals. */
  cli(args: readonly string[], env?: Readonly<Record<string, string>>, during?: During): Promise<CliAnswer>;
  stop(): Promise<void>;
}
/** A part of a world that only some set-ups have: whoever asks for it is registered for those alone. */
export function partOf<T>(part: T | null | undefined): T {
  if (part === null || part === undefined) throw new Error('this set-up has no such part');
  return part;
}
export type During = (child: ChildProcess) => Promise<void>;
export interface CliAnswer { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export const root = join(import.meta.dirname, '..', '..', '..');
/** Runs a program to its end. */
export function run(program: string, args: readonly string[], { cwd, env = {}, during }: { cwd: string; env?: Readonly<Record<string, string>>; during?: During | undefined }): Promise<CliAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    child.once('error', reject).once('close', (code) => { resolve({ code, stdout, stderr }); });
    during?.(child).catch(reject);
  });
}
export const cliProgram = join(root, 'apps', 'cli', 'bin', 'agent-etl.mjs');

export const urlOf = (postgresUrl: string, database: string): string => { const url = new URL(postgresUrl); url.pathname = `/${database}`; return url.href; };
/** Runs statements in a database of the world. */
export async function sqlIn<T extends pg.QueryResultRow>({ postgresUrl }: Pick<World, 'postgresUrl'>, database: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: urlOf(postgresUrl, database) });
  await client.connect();
  try {
    const answer: unknown = await client.query<T>(text);
    return (Array.isArray(answer) ? answer.at(-1) as pg.QueryResult<T> : answer as pg.QueryResult<T>).rows;
  } finally { await client.end(); }
}
