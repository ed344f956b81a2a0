import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Client, createClient } from '@agent-etl/api-client';
import { Output, type OutputOptions } from './output.ts';
import { type RunFile, joinStandalone } from './standalone-client.ts';

export interface GlobalOptions extends OutputOptions { readonly url?: string; readonly token?: string; readonly project?: string; readonly debug?: boolean; readonly color?: boolean }
export const projectFileName = 'agent-etl.yaml';

/** The folder of the project: the one named, else the nearest one upwards with agent-etl.yaml, else the current one. */
export function findProject(from: string, named?: string): string {
  if (named !== undefined) return resolve(from, named);
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, projectFileName))) return folder;
    if (dirname(folder) === folder) return from;
  }
}

/** What every command works with: where it speaks, which project it is about, which API it asks. */
export class Session {
  readonly output: Output;
  readonly projectDir: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly #options: GlobalOptions;
  #client: Promise<Client> | null = null;
  #standalone: RunFile | null = null;
  constructor(options: GlobalOptions, { cwd, env }: { cwd: string; env: Readonly<Record<string, string | undefined>> }) {
    this.#options = options;
    this.cwd = cwd;
    this.env = env;
    this.output = new Output({ ...options, noColor: options.color === false }, env);
    this.projectDir = findProject(cwd, options.project);
  }
  get isDeployed(): boolean { return this.#address !== undefined; }
  get debug(): boolean { return this.#options.debug === true; }
  get #address(): string | undefined { return this.#options.url ?? this.env['AGENT_ETL_URL']; }

  /** The API: the one named by --url, else the project's own standalone, started when none runs. */
  client(): Promise<Client> {
    this.#client ??= this.#open();
    return this.#client;
  }
  /** The standalone behind the client; null for a deployed API. */
  async standalone(): Promise<RunFile | null> {
    await this.client();
    return this.#standalone;
  }
  async #open(): Promise<Client> {
    const name = 'agent-etl-cli';
    const url = this.#address;
    if (url !== undefined) {
      const token = this.#options.token ?? this.env['AGENT_ETL_TOKEN'];
      return createClient({ baseUrl: url, name, ...(token ? { token } : {}) });
    }
    this.output.progress(' starting the standalone of this folder ...');
    this.#standalone = await joinStandalone({ projectDir: this.projectDir });
    return createClient({ baseUrl: this.#standalone.url, token: this.#standalone.token, name });
  }
}
