import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { Access, bearerOf } from './access.ts';
import { Doorman } from './doorman.ts';
import { traceIdOf } from './trace.ts';

const token = 'canary-token-canary';
describe('access', () => {
  let folder: string;
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'etl-access-')); });
  const file = async (text: string, mode = 0o600): Promise<string> => {
    const path = join(folder, `tokens-${Math.random()}.json`);
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  };

  it('knows who holds a token, in the default tenant unless told otherwise', async () => {
    const access = await Access.fromFile(await file(JSON.stringify({ [token]: { name: 'ann', role: 'admin' } })));
    expect(access.callerOf(token)).toEqual({ name: 'ann', role: 'admin', tenantId: DEFAULT_TENANT.id });
    expect(() => access.callerOf(`${token}x`)).toThrow('Sign in again.');
    expect(() => access.callerOf(null)).toThrow('Sign in again.');
  });
  it.each([[0o644], [0o604], [0o660]])('refuses a file of mode %o', async (mode) => { await expect(Access.fromFile(await file('{}', mode))).rejects.toMatchObject({ code: 'secret.store-unsafe' }); });
  it('lets a group read what root owns, as a mounted secret of Kubernetes is, and nothing that belongs to somebody else', async () => {
    const ofUs = await file(JSON.stringify({ [token]: { name: 'ann', role: 'admin' } }), 0o440);
    const reading = Access.fromFile(ofUs).then(() => 'read', ({ code }: { code: string }) => code);
    expect(await reading).toBe(process.getuid?.() === 0 ? 'read' : 'secret.store-unsafe');
  });
  it.each([['{}'], ['[]'], [`{"${token}":{"name":"a","role":"root"}}`], [`{"short":{"name":"a","role":"admin"}}`], [`{"${token}":`], [`{"${token}":{"name":"a","role":"admin","more":1}}`]])(
    'refuses %s without printing what it holds', async (text) => {
      const error = await Access.fromFile(await file(text)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'config.invalid' });
      expect(inspect(error, { depth: 9 })).not.toContain('canary');
    });
  it('names a file that is not there', async () => {
    await expect(Access.fromFile('/nowhere/tokens.json')).rejects.toThrow('/nowhere/tokens.json cannot be read');
  });
  it('shows no token however it is printed', () => {
    expect(inspect(new Access({ [token]: { name: 'ann', role: 'admin' } }), { depth: 9, showHidden: true })).not.toContain(token);
  });
  it.each([['Bearer abc', 'abc'], ['bearer abc', 'abc'], ['Basic abc', null], ['Bearer a b', null], ['Bearer ', null], [undefined, null]])('reads %j as %j', (header, expected) => {
    expect(bearerOf(header)).toBe(expected);
  });
});

describe('the doorman', () => {
  const check = (listens: string, headers: Record<string, string>) => () => { new Doorman(listens).check({ headers } as never); };
  it.each([['127.0.0.1:8080'], ['localhost:8080'], ['[::1]:8080'], ['127.0.0.2']])('lets %s through on loopback', (host) => { expect(check('127.0.0.1', { host })).not.toThrow(); });
  it.each([['evil.example'], ['evil.example:8080'], ['127.0.0.1.evil.example'], ['localhost.evil.example'], ['']])('stops %j on loopback', (host) => { expect(check('127.0.0.1', { host })).toThrow('does not allow'); });
  it('lets any name through where it listens to the world, but only pages of that name', () => {
    expect(check('0.0.0.0', { host: 'etl.example' })).not.toThrow();
    expect(check('0.0.0.0', { host: 'etl.example', origin: 'https://etl.example' })).not.toThrow();
    expect(check('0.0.0.0', { host: 'etl.example', origin: 'https://evil.example' })).toThrow();
    expect(check('0.0.0.0', { host: 'etl.example', origin: 'null' })).toThrow();
  });
});

describe('a trace id', () => {
  it('is the one that came, or a new one', () => {
    expect(traceIdOf(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)).toBe('a'.repeat(32));
    for (const bad of [undefined, '', 'x', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`]) expect(traceIdOf(bad)).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
  });
});
