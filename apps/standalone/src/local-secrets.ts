import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EtlError, type Project, type SecretsConfig } from '@agent-etl/contracts';
import { EphemeralSecretStore, FileSecretStore, type MemorySecretStore, type Secret, type SecretStore, openSecretStore } from '@agent-etl/secrets';
import { homeOf } from './project-lock.ts';

/** Asks the configured store first, then the file that `connections add` writes in the project folder. */
class ThenLocalFile implements SecretStore {
  constructor(private readonly first: SecretStore, private readonly file: string) {}
  async get(reference: string): Promise<Secret> {
    try {
      return await this.first.get(reference);
    } catch (error) {
      if (!(error instanceof EtlError) || error.code !== 'secret.not-found' || !existsSync(this.file)) throw error;
      return new FileSecretStore(this.file).get(reference).catch((missing: unknown) => {
        throw missing instanceof EtlError && missing.code === 'secret.not-found' ? error : missing;
      });
    }
  }
}
/** Secrets of a standalone: this command's in memory, then the configured store, then the project's own file. */
export function localSecrets(projectDir: string, project: Project | null, memory: MemorySecretStore): SecretStore {
  const config: SecretsConfig = project?.secrets ?? { store: 'env' };
  return new EphemeralSecretStore(memory, new ThenLocalFile(openSecretStore(config), join(homeOf(projectDir), 'secrets.json')));
}
