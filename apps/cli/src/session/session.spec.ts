import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Whence } from './missing-file.ts';
import { readText } from './read-text.ts';
import { Session } from './session.ts';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'etl-cli-')); });
afterEach(async () => { await rm(folder, { recursive: true, force: true }); });
const session = (options: ConstructorParameters<typeof Session>[0]): Session => new Session(options, { cwd: folder, env: {} });

describe('a session', () => {
  it('does not make a second project of a typo', async () => {
    await writeFile(join(folder, 'file'), '');
    for (const project of ['nowhere', 'file']) expect(() => session({ project })).toThrow(expect.objectContaining({ name: 'WrongUse', next: expect.stringContaining('folder') as unknown }));
    expect(await readdir(folder)).toEqual(['file']);
  });
  it.each(['not a url', '', 'localhost:8080', 'ftp://x', 'file:///etc/passwd'])('takes no API at %j', async (url) => {
    await expect(session({ url }).client()).rejects.toMatchObject({ name: 'WrongUse', next: 'write http://host:port or https://host' });
  });
  it('knows one tenant, and works on no data for another one', () => {
    for (const options of [{}, { tenant: 'default' }]) expect(() => { session(options).checkTenant(); }).not.toThrow();
    for (const tenant of ['acme', '']) expect(() => { session({ tenant }).checkTenant(); }).toThrow(expect.objectContaining({ code: 'request.unsupported' }));
  });
  it('tells a mistake in agent-etl.yaml by itself, before anything is started', async () => {
    await writeFile(join(folder, 'agent-etl.yaml'), 'version: 1\nconections: {}\n');
    await expect(session({}).client()).rejects.toMatchObject({ code: 'request.invalid', message: 'agent-etl.yaml:2:1: Unknown key conections: did you mean connections?' });
    expect(await readdir(folder)).toEqual(['agent-etl.yaml']);
  });
});
describe('a file that a person names', () => {
  const told = (file: string): Promise<unknown> => readText(file, { cwd: folder }).catch(({ code, next }: { code: string; next: string | null }) => [code, next]);
  it('is read, or it is said why not, with the nearest name', async () => {
    await mkdir(join(folder, 'pipelines'));
    await writeFile(join(folder, 'pipelines', 'orders.yaml'), 'é');
    await writeFile(join(folder, 'latin.yaml'), Buffer.from([0x61, 0xe9]));
    expect(await told('pipelines/orders.yaml')).toBe('é');
    expect(await told('pipelines/ordres.yaml')).toEqual(['source.not-found', 'did you mean pipelines/orders.yaml?']);
    expect(await told('latn.yaml')).toEqual(['source.not-found', 'did you mean latin.yaml?']);
    expect(await told('pipelines')).toEqual(['file.forbidden', 'name a file in it']);
    expect(await told('latin.yaml')).toEqual(['data.format-invalid', 'write it as UTF-8, such as: iconv -f WINDOWS-1252 -t UTF-8 latin.yaml']);
  });
  describe('and that is not there', () => {
    const missing = (file: string, whence: Whence): Promise<unknown> => readText(file, whence).catch(({ message, next }: { message: string; next: string | null }) => [message.replaceAll(folder, '~'), next?.replaceAll(folder, '~')]);
    const here = (): Whence => ({ cwd: join(folder, 'here'), projectDir: join(folder, 'shop') });
    beforeEach(async () => {
      for (const one of ['here', 'shop/pipelines']) await mkdir(join(folder, one), { recursive: true });
      for (const file of ['agent-etl.yaml', 'pipelines/orders.yaml', 'pipelines/customers.yml', 'pipelines/notes.txt']) await writeFile(join(folder, 'shop', file), '');
    });
    it('is told by where it was looked for, with the pipelines of the project as they are typed there', async () => {
      const has = 'the project in ~/shop has ../shop/pipelines/customers.yml, ../shop/pipelines/orders.yaml';
      expect(await missing('missing.yaml', here())).toEqual(['This machine has no file ~/here/missing.yaml.', has]);
      expect(await missing('flows/missing.yaml', here())).toEqual(['This machine has no file ~/here/flows/missing.yaml.', has]);
    });
    it('is found in the project, by its path or nearly by its name', async () => {
      expect(await missing('pipelines/orders.yaml', here())).toEqual(['This machine has no file ~/here/pipelines/orders.yaml.', 'paths are read from ~/here: did you mean ../shop/pipelines/orders.yaml?']);
      expect(await missing('pipelines/ordrs.yaml', here())).toEqual(['This machine has no file ~/here/pipelines/ordrs.yaml.', 'did you mean ../shop/pipelines/orders.yaml?']);
    });
    it('is looked for elsewhere where the project has none, or another kind of file is meant', async () => {
      expect(await missing('nowhere/plan.json', here())).toEqual(['This machine has no file ~/here/nowhere/plan.json.', 'there is no folder ~/here/nowhere']);
      expect(await missing('x.yaml', { cwd: join(folder, 'here') })).toEqual(['This machine has no file ~/here/x.yaml.', 'look in ~/here']);
    });
    it('names a few of many', async () => {
      for (let nth = 1; nth <= 9; nth += 1) await writeFile(join(folder, 'shop', `flow_${nth}.yaml`), '');
      expect(await missing('missing.yaml', here())).toEqual([expect.anything(), `the project in ~/shop has ${[1, 2, 3, 4, 5].map((nth) => `../shop/flow_${nth}.yaml`).join(', ')} and 6 more`]);
    });
  });
});
