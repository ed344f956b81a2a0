import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { messagingConfig } from '@agent-etl/messaging';
import { loadConfig } from './load-config.ts';
import { brokersOf, secretFile, urlWithPassword } from './secret-files.ts';

describe('secrets in files', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secret-files-'));
    await Promise.all([['name', 'etl\n'], ['password', ' p@ss/w"rd \r\n'], ['empty', '\n'], ['ca', 'CA'], ['cert', 'CERT'], ['key', 'KEY']].map(([name, text]) => writeFile(at(name!), text!)));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('lose one line end and no other character', async () => { expect(await secretFile('X', at('password'))).toBe(' p@ss/w"rd '); });
  it('are refused by the name of their variable when they are missing or empty', async () => {
    await expect(secretFile('ETL_X_FILE', at('nowhere'))).rejects.toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_X_FILE', text: expect.stringContaining('ENOENT') }] });
    await expect(secretFile('ETL_X_FILE', at('empty'))).rejects.toMatchObject({ issues: [{ text: expect.stringContaining('empty') }] });
  });
  it('go into a URL as one password, whatever characters it has, and never beside another', async () => {
    const url = await urlWithPassword('postgres://monitor@db:5432/etl?sslmode=verify-full', 'P', at('password'));
    expect([decodeURIComponent(new URL(url).password), new URL(url).host, new URL(url).search]).toEqual([' p@ss/w"rd ', 'db:5432', '?sslmode=verify-full']);
    await expect(urlWithPassword('postgres://monitor:old@db/etl', 'P', at('password'))).rejects.toMatchObject({ code: 'config.invalid' });
  });

  const config = (given: Record<string, string>) => loadConfig({ messaging: messagingConfig }, { ETL_MESSAGING_BROKERS: 'a:9092, b:9092', ...given }).messaging;
  const login = (): Record<string, string> => ({ ETL_MESSAGING_SASL: 'scram-sha-512', ETL_MESSAGING_USERNAME_FILE: at('name'), ETL_MESSAGING_PASSWORD_FILE: at('password') });
  it('become what a Kafka client is told', async () => {
    expect(await brokersOf(config({}))).toEqual({ brokers: ['a:9092', 'b:9092'], prefix: '' });
    expect(await brokersOf(config({ ...login(), ETL_MESSAGING_TLS: 'on', ETL_MESSAGING_CA_FILE: at('ca'), ETL_MESSAGING_CERT_FILE: at('cert'), ETL_MESSAGING_KEY_FILE: at('key'), ETL_MESSAGING_REPLICATION: '3' }))).toEqual({
      brokers: ['a:9092', 'b:9092'], prefix: '', replication: 3, tls: { ca: 'CA', cert: 'CERT', key: 'KEY' }, sasl: { mechanism: 'scram-sha-512', username: 'etl', password: ' p@ss/w"rd ' } });
  });
  it.each([
    ['files for TLS without TLS', { ETL_MESSAGING_CA_FILE: 'ca' }, 'ETL_MESSAGING_TLS'], ['a certificate without its key', { ETL_MESSAGING_TLS: 'on', ETL_MESSAGING_CERT_FILE: 'cert' }, 'ETL_MESSAGING_KEY_FILE'],
    ['SASL without a login', { ETL_MESSAGING_SASL: 'scram-sha-256' }, 'ETL_MESSAGING_SASL'], ['a password in the clear', { ETL_MESSAGING_SASL: 'plain', ETL_MESSAGING_USERNAME_FILE: 'n', ETL_MESSAGING_PASSWORD_FILE: 'p' }, 'ETL_MESSAGING_SASL'],
  ])('refuse %s', (_, given, variable) => {
    const problem = ((): unknown => { try { return config(given); } catch (error) { return error; } })();
    expect(problem).toMatchObject({ code: 'config.invalid', issues: [{ path: variable }] });
  });
});
