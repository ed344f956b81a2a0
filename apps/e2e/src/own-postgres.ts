import { rm } from 'node:fs/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@agent-etl/persistence';

/** How a server is ended, in the words of `pg_ctl stop -m`: fast rolls everybody back and writes a checkpoint, immediate leaves recovery to the next start. */
export const stopModes = ['fast', 'immediate'] as const;
export type StopMode = (typeof stopModes)[number];

/** A PostgreSQL that a scenario may end and start again, on the same folder and port. */
export class OwnPostgres {
  #server: EmbeddedPostgres;
  private constructor(private readonly folder: string, server: EmbeddedPostgres) { this.#server = server; }
  /** Starts the server of a folder, or takes hold of the one that runs there. */
  static async open(folder: string): Promise<OwnPostgres> { return new OwnPostgres(folder, await startEmbeddedPostgres({ folder })); }
  get postgresUrl(): string { return this.#server.url; }

  async end(mode: StopMode): Promise<void> {
    if (mode === 'immediate') process.kill(this.#server.pid, 'SIGQUIT');
    await this.#server.stop();
  }
  async start(): Promise<void> { this.#server = await startEmbeddedPostgres({ folder: this.folder, port: this.#server.port }); }
  async drop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#server.folder, { recursive: true, force: true });
  }
}
