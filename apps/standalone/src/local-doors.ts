import { isAbsolute, resolve } from 'node:path';
import { type Answer, type Call, EtlError, endpoints } from '@agent-etl/contracts';
import { EPHEMERAL_PREFIX, MemorySecretStore } from '@agent-etl/secrets';
import { Input, Serves } from '@agent-etl/service-kit';
import { Controller, type DynamicModule } from '@nestjs/common';

/** Folders that file connections may use; the worker reads the list at each task. What a person named once is known to the next standalone of the folder too. */
export class FileRoots {
  constructor(readonly folders: string[], private readonly keep: (folders: readonly string[]) => Promise<void>) {}
  async allow(folder: string): Promise<void> {
    if (this.folders.includes(folder)) return;
    this.folders.push(folder);
    await this.keep(this.folders);
  }
}

/** Keeps the passwords of one command in memory. Only a standalone has this door. */
@Controller()
export class EphemeralSecretsController {
  constructor(private readonly memory: MemorySecretStore) {}
  @Serves(endpoints.putEphemeralSecret) put(@Input() { params, body }: Call<typeof endpoints.putEphemeralSecret>): Answer<typeof endpoints.putEphemeralSecret> {
    this.memory.put(`${EPHEMERAL_PREFIX}${params.id}`, body.fields);
    return {};
  }
}
/** Learns the folders that a person names on the command line. */
@Controller()
export class FileRootsController {
  constructor(private readonly roots: FileRoots) {}
  @Serves(endpoints.allowFileRoot) async allow(@Input() { body }: Call<typeof endpoints.allowFileRoot>): Promise<Answer<typeof endpoints.allowFileRoot>> {
    if (!isAbsolute(body.folder)) throw new EtlError('file.forbidden', { file: body.folder, reason: 'the path must be absolute' });
    await this.roots.allow(resolve(body.folder));
    return {};
  }
}
class LocalDoorsModule {}
export const localDoors = (memory: MemorySecretStore, roots: FileRoots): DynamicModule => ({
  module: LocalDoorsModule, controllers: [EphemeralSecretsController, FileRootsController],
  providers: [{ provide: MemorySecretStore, useValue: memory }, { provide: FileRoots, useValue: roots }],
});
