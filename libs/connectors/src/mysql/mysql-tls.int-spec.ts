import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MysqlConnection, PublishTask } from '@agent-etl/contracts';
import { Secret } from '@agent-etl/secrets';
import { aLoad, aPublish, aWriter, stage } from '../file/testing/a-folder.ts';
import type { ConnectorTools } from '../port.ts';
import { testTools } from '../postgres/testing/postgres-harness.ts';
import { mysqlConnector } from './mysql-connector.ts';
import { mapToMysql } from './mysql-types-rules.ts';
import { type AMysql, aMysql } from './testing/mysql-harness.ts';

const [url, ca] = [process.env['ETL_TEST_MYSQL_URL'], process.env['ETL_TEST_MYSQL_CA']];
if (!url || !ca) process.stdout.write(`SKIPPED connectors mysql over TLS: ${url ? 'ETL_TEST_MYSQL_CA is not set' : 'ETL_TEST_MYSQL_URL is not set'}\n`);
const suite = url && ca ? describe : describe.skip;
const password = 'pencil & "paper"';
const tools = (answer = password): ConnectorTools => ({ ...testTools('agent-etl tls'), secrets: { get: async () => new Secret(answer) } });

suite('MariaDB over TLS', () => {
  let maria: AMysql;
  const trusted = getCACertificates('default');
  const reach = async (more: Partial<MysqlConnection>, answer?: string): Promise<unknown> =>
    (await mysqlConnector.open({ ...maria.connection, host: 'localhost', user: 'tls_user', password: 'secret://shop#password', ...more } as MysqlConnection, tools(answer))).inspect('test').then(({ system }) => system.split(' ')[0], (error: { code?: string; details?: { reason?: string } }) => [error.code, error.details?.reason].filter(Boolean).join(': '));
  beforeAll(async () => {
    maria = await aMysql(url!, `t_mysql_tls_${process.pid}`);
    await maria.admin.query(`DROP USER IF EXISTS tls_user@'127.0.0.1'; CREATE USER tls_user@'127.0.0.1' IDENTIFIED BY ${maria.admin.escape(password)} REQUIRE SSL; GRANT ALL ON ${maria.connection.database}.* TO tls_user@'127.0.0.1'`);
  });
  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await maria.admin.query(`DROP USER tls_user@'127.0.0.1'`);
    await maria.drop();
  });

  it('is not taken for who it says it is, unless somebody vouches for it under its name', async () => {
    expect(await reach({ tls: 'verify-full' })).toMatch(/^connection\.untrusted: nobody whom this machine trusts/);
    expect(await reach({ tls: 'require' })).toBe('MariaDB');
    expect(await reach({ tls: 'prefer' })).toBe('MariaDB');
    setDefaultCACertificates([...trusted, readFileSync(ca!, 'utf8')]);
    expect(await reach({ tls: 'verify-full' })).toBe('MariaDB');
    expect(await reach({ tls: 'verify-full', host: '127.0.0.1' })).toBe('connection.untrusted: it is known by its address alone, and only names are verified');
  });
  it('lets nobody in without TLS, or with another password', async () => {
    expect(await reach({ tls: 'disable' })).toBe('connection.auth-failed');
    expect(await reach({ tls: 'require' }, 'wrong')).toBe('connection.auth-failed');
  });
  it('carries rows out and in, a megabyte in one of them', async () => {
    await maria.admin.query(`CREATE TABLE out_of (id BIGINT, t LONGTEXT); INSERT INTO out_of VALUES (1, REPEAT('x', 1000000)), (2, NULL), (3, '')`);
    const open = await mysqlConnector.open({ ...maria.connection, host: 'localhost', user: 'tls_user', password: 'secret://shop#password', tls: 'require' } as MysqlConnection, tools());
    const profile = await open.profile('out_of', 'source');
    const task = { ...aLoad(profile, 'into', { carrier: 'text', engine: 'stream' }), columns: profile.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapToMysql(column)?.native ?? '', nullable: true })) };
    const sink = await open.sink.begin(task, aWriter());
    const { rows } = await stage(open, sink, task);
    const publish: PublishTask = aPublish(task, { how: 'rename' });
    expect(await sink.publish(publish, { rows, digest: null })).toMatchObject({ published: 3 });
    await sink.close();
  });
});
