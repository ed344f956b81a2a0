import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { EnvSecretStore, variableOf } from './env-store.ts';
import { FileSecretStore } from './file-store.ts';
import { EphemeralSecretStore, MemorySecretStore } from './memory-store.ts';
import { describeSecretStore } from './secret-store.contract.ts';

const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
const file = join(folder, 'secrets.json');
const content: Record<string, unknown> = {};
const save = async (): Promise<void> => { await writeFile(file, JSON.stringify(content), { mode: 0o600 }); };
await save();
describeSecretStore('file', () => ({
  store: new FileSecretStore(file),
  put: async (name, fields) => { content[name] = fields; await save(); },
  putText: async (name, text) => { content[name] = text; await save(); },
}));

const env: Record<string, string> = {};
describeSecretStore('env', () => ({
  store: new EnvSecretStore(env),
  put: async (name, fields) => { for (const [field, value] of Object.entries(fields)) env[variableOf(`secret://${name}#${field}`)] = value; },
  putText: async (name, text) => { env[variableOf(`secret://${name}`)] = text; },
}));

const memory = new MemorySecretStore();
describeSecretStore('memory', () => ({
  store: memory, put: async (name, fields) => { memory.put(name, fields); }, putText: async (name, text) => { memory.put(name, { '': text }); },
}));

describe('file secret store', () => {
  it.each([0o644, 0o640, 0o604])('refuses a file with mode %o and says how to mend it', async (mode) => {
    const shared = join(folder, `shared-${mode}.json`);
    await writeFile(shared, '{"shop":{"password":"canary-17"}}');
    await chmod(shared, mode);
    const error = await new FileSecretStore(shared).get('secret://shop#password').then(() => null, (thrown: Error & { code: string; next: string }) => thrown);
    expect([error?.code, error?.next]).toEqual(['secret.store-unsafe', `chmod 600 ${shared}`]);
  });
  it('does not repeat the content of a broken file', async () => {
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"shop":{"password":"canary-18"', { mode: 0o600 });
    const error = await new FileSecretStore(broken).get('secret://shop#password').then(() => null, (thrown: Error & { code: string }) => thrown);
    expect(error?.code).toBe('secret.not-found');
    expect(`${String(error?.message)} ${String(error?.cause)}`).not.toContain('canary');
  });
});

describe('ephemeral secret store', () => {
  it('keeps one command’s secrets apart from the configured ones', async () => {
    const store = new EphemeralSecretStore(memory, new EnvSecretStore({ ETL_SECRET_SHOP_PASSWORD: 'configured' }));
    memory.put('ephemeral/1', { url: 'postgres://etl:once@db/shop' });
    expect((await store.get('secret://ephemeral/1#url')).use((value) => value)).toContain('once');
    expect((await store.get('secret://shop#password')).use((value) => value)).toBe('configured');
    memory.forget('ephemeral/1');
    await expect(store.get('secret://ephemeral/1#url')).rejects.toMatchObject({ code: 'secret.not-found' });
  });
});
