import { type Client, createClient } from '@agent-etl/api-client';
import { DEFAULT_TENANT, EtlError, type Failure } from '@agent-etl/contracts';
import { WrongUse } from './exit-codes.ts';
import { Output, type OutputOptions } from './output.ts';
import { findProject, readProject } from './project-file.ts';
import { type RunFile, joinStandalone } from './standalone-client.ts';

export interface GlobalOptions extends OutputOptions { readonly url?: string; readonly token?: string; readonly project?: string; readonly tenant?: string; readonly debug?: boolean; readonly color?: boolean }
/** No answer takes longer: what does is polled. */
const answerMs = 60_000;

/** @throws WrongUse */
function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return url;
  throw new WrongUse(`${JSON.stringify(url)} is no address of an API.`, 'write http://host:port or https://host');
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

  /** This release keeps one tenant; a script that names another one must not work on this one's data.
   * @throws EtlError `request.unsupported` */
  checkTenant(): void {
    const { tenant = DEFAULT_TENANT.name } = this.#options;
    if (tenant !== DEFAULT_TENANT.name) throw new EtlError('request.unsupported', { found: `--tenant ${tenant}`, allowed: `--tenant ${DEFAULT_TENANT.name}` });
  }
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
  /** For those who have just set a secret: a standalone that runs already does not see it. */
  noteOn({ code }: Pick<Failure, 'code'>): void {
    const isAboutSecrets = code === 'secret.not-found' || code === 'connection.auth-failed';
    if (!this.#standalone || !isAboutSecrets || !Object.keys(this.env).some((name) => name.startsWith('ETL_SECRET_'))) return;
    this.output.note(`    note    the standalone of this folder read its variables when it started: kill ${this.#standalone.pid}, and the next command reads them anew`);
  }
  async #open(): Promise<Client> {
    const name = 'agent-etl-cli';
    const url = this.#address;
    if (url !== undefined) {
      const token = this.#options.token ?? this.env['AGENT_ETL_TOKEN'];
      return createClient({ baseUrl: addressOf(url), name, timeoutMs: answerMs, ...(token ? { token } : {}) });
    }
    await readProject(this.projectDir); // a mistake in it is told here, with its line; a standalone that does not start could not
    this.output.progress(' starting the standalone of this folder ...');
    this.#standalone = await joinStandalone({ projectDir: this.projectDir });
    return createClient({ baseUrl: this.#standalone.url, token: this.#standalone.token, name, timeoutMs: answerMs });
  }
}
