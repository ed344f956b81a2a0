import { CreateSecretCommand, DeleteSecretCommand, PutSecretValueCommand, SecretsManagerClient, UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AwsSecretStore } from './aws-store.ts';
import { describeSecretStore } from './secret-store.contract.ts';

const endpoint = process.env['ETL_TEST_MOTO_URL'];
if (!endpoint) console.warn('SKIPPED secrets aws: ETL_TEST_MOTO_URL is not set, no emulator runs');
const suite = endpoint ? describe : describe.skip;
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const prefix = `t${process.pid}/`;

suite('AWS Secrets Manager over the official SDK', () => {
  const client = new SecretsManagerClient({ region: 'eu-west-1', endpoint: endpoint ?? 'http://127.0.0.1', credentials });
  const store = new AwsSecretStore({ region: 'eu-west-1', prefix, ...(endpoint ? { endpoint } : {}), credentials });
  const put = async (name: string, text: string): Promise<string> => {
    const made = await client.send(new CreateSecretCommand({ Name: prefix + name, SecretString: text })).catch(() => null);
    const version = made ?? await client.send(new PutSecretValueCommand({ SecretId: prefix + name, SecretString: text }));
    return version.VersionId ?? '';
  };
  describeSecretStore('aws-secrets-manager', () => ({
    store, put: async (name, fields) => { await put(name, JSON.stringify(fields)); }, putText: async (name, text) => { await put(name, text); },
  }));
  it('follows AWSCURRENT when a rotation moves it', async () => {
    const first = await put('moving', '{"password":"old"}');
    const staged = await client.send(new PutSecretValueCommand({ SecretId: `${prefix}moving`, SecretString: '{"password":"new"}', VersionStages: ['AWSPENDING'] }));
    expect((await store.get('secret://moving#password')).use((value) => value)).toBe('old');
    await client.send(new UpdateSecretVersionStageCommand({ SecretId: `${prefix}moving`, VersionStage: 'AWSCURRENT', MoveToVersionId: staged.VersionId, RemoveFromVersionId: first }));
    expect((await store.get('secret://moving#password')).use((value) => value)).toBe('new');
  });
  it('answers not-found to a secret that is marked for deletion', async () => {
    await put('gone', '{"password":"x"}');
    await client.send(new DeleteSecretCommand({ SecretId: `${prefix}gone` }));
    await expect(store.get('secret://gone#password')).rejects.toMatchObject({ code: 'secret.not-found' });
  });
  afterAll(() => { client.destroy(); store.close(); });
});

suite('AWS Secrets Manager that misbehaves', () => {
  const answers: [number, string][] = [];
  let server: Server;
  let store: AwsSecretStore;
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume();
      const [status, body] = answers.shift() ?? [200, '{"SecretString":"{\\"password\\":\\"late\\"}"}'];
      response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/xml' : 'application/x-amz-json-1.1' }).end(body);
    });
    await new Promise<void>((listening) => { server.listen(0, '127.0.0.1', listening); });
    store = new AwsSecretStore({ region: 'eu-west-1', endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, credentials });
  });
  it('waits out two refusals for too many calls', async () => {
    answers.push([400, '{"__type":"ThrottlingException"}'], [400, '{"__type":"ThrottlingException"}']);
    expect((await store.get('secret://shop#password')).use((value) => value)).toBe('late');
  });
  it('says that the service is away when it never answers in time', async () => {
    answers.push(...Array.from({ length: 3 }, (): [number, string] => [500, '{"__type":"InternalServiceError"}']));
    await expect(store.get('secret://shop#password')).rejects.toMatchObject({ code: 'platform.unavailable' });
  });
  it.each([[403, '<Error><Code>AccessDenied</Code></Error>'], [400, '{"__type":"AccessDeniedException"}']] as [number, string][])('answers not-found to a refusal (%i)', async (status, body) => {
    answers.push([status, body]);
    await expect(store.get('secret://shop#password')).rejects.toMatchObject({ code: 'secret.not-found' });
  });
  afterAll(async () => { store.close(); await new Promise((closed) => { server.close(closed); }); });
});
