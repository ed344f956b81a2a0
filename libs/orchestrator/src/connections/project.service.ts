import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { DEFAULT_TENANT, EtlError, type Policy, type Project } from '@agent-etl/contracts';
import { connectionAddress } from '@agent-etl/dag-rendering';
import { StateDatabase, type TenantTx } from '@agent-etl/persistence';
import { assertPolicySupported, readProjectFile } from '@agent-etl/planning';
import { Inject, Injectable } from '@nestjs/common';
import { ConnectionsRepository } from './connections.repository.ts';

export const PROJECT_FILE = Symbol('path of agent-etl.yaml, or null');

/** The project file: its connections go into the table when its digest changes, its policy is kept in memory. */
@Injectable()
export class ProjectService {
  #policy: Policy = {};
  #seen: string | null = null;
  constructor(private readonly state: StateDatabase, private readonly connections: ConnectionsRepository, @Inject(PROJECT_FILE) private readonly file: string | null) {}

  get policy(): Policy { return this.#policy; }
  /** Where connections lead, for the assets of a DAG; those behind a secret stay unsaid. */
  async addresses(tx: TenantTx): Promise<Record<string, string>> {
    const all = await this.connections.list(tx);
    return Object.fromEntries(all.flatMap((connection) => { const address = connectionAddress(connection); return address === null ? [] : [[connection.name, address]]; }));
  }

  /** Reads the file again if it was touched. No file is no error: connections may come over the API.
   * @param tx of the one who asks, if there is one: waiting for a second connection while holding the first, many at once wait for each other
   * @throws EtlError `request.malformed`, `request.invalid`, `request.unsupported`, `config.invalid` as the file deserves; what was loaded before stays */
  async refresh(tx?: TenantTx): Promise<void> {
    if (this.file === null) return;
    const touched = await stat(this.file).then(({ mtimeMs, size, ino }) => `${mtimeMs}:${size}:${ino}`, () => 'absent');
    if (touched === this.#seen) return;
    if (touched === 'absent') { this.#seen = touched; return; }
    const text = await readFile(this.file, 'utf8').catch((cause: unknown) => { throw new EtlError('config.invalid', { problems: `${basename(this.file ?? '')} cannot be read` }, { cause }); });
    const project = readProjectFile(text, basename(this.file));
    assertPolicySupported(project.policy ?? {});
    const load = (own: TenantTx): Promise<void> => this.load(own, project, { digest: createHash('sha256').update(text).digest('hex'), touched });
    await (tx?.tenantId === DEFAULT_TENANT.id ? load(tx) : this.state.inTenantTx(DEFAULT_TENANT.id, load));
  }

  private async load(tx: TenantTx, { connections = {}, policy = {} }: Project, { digest, touched }: { digest: string; touched: string }): Promise<void> {
    if (await this.connections.takeProject(tx, digest)) {
      for (const [name, spec] of Object.entries(connections)) await this.connections.put(tx, name, spec);
    }
    this.#policy = policy;
    tx.afterCommit(() => { this.#seen = touched; });
  }
}
