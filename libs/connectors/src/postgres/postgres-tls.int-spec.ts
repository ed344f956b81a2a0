import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EtlError, LoadTask, PostgresConnection, PublishTask } from '@agent-etl/contracts';
import { Secret } from '@agent-etl/secrets';
import pg from 'pg';
import type { ConnectorTools, OpenConnection } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';
import { clientOf, connectionTo, testTools } from './testing/postgres-harness.ts';

const admin = process.env['ETL_TEST_POSTGRES_URL'];
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!admin || !hasOpenssl) process.stdout.write(`SKIPPED connectors postgres over TLS: ${admin ? 'there is no openssl to make a certificate' : 'ETL_TEST_POSTGRES_URL is not set'}\n`);
const suite = admin && hasOpenssl ? describe : describe.skip;
const database = `t_pgtls_${process.pid}`;
const password = 'pencil & "paper"';
const tools = (answer = password): ConnectorTools => ({ ...testTools('agent-etl tls'), secrets: { get: async () => new Secret(answer) } });
const connection = (more: Partial<PostgresConnection>): PostgresConnection => connectionTo(admin ?? '', database, { host: 'localhost', user: 'tls_user', password: 'secret://shop#password', ...more });

/** A certificate of an authority of its own, for localhost. */
function certificate(): { ca: string; crt: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'etl-tls-'));
  const openssl = (...args: string[]): void => { execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' }); };
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.crt');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', 'server.key', '-out', 'server.csr');
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', 'server.crt');
  const made = { ca: read('ca.crt'), crt: read('server.crt'), key: read('server.key') };
  rmSync(folder, { recursive: true, force: true });
  return made;
}

suite('PostgreSQL over TLS', () => {
  let root: pg.Client;
  const made = hasOpenssl ? certificate() : { ca: '', crt: '', key: '' };
  /** Has the server write the file itself: only its own user may read the key. */
  const put = (name: string, text: string): Promise<unknown> => root.query(`copy (select unnest(string_to_array(${root.escapeLiteral(text.trim())}, E'\\n'))) to program 'umask 077; cat > ${name}'`);
  const turn = async (value: 'on' | 'off'): Promise<void> => {
    await root.query(`alter system set ssl = ${value}`);
    await root.query('select pg_reload_conf()');
    for (let tries = 0; tries < 100 && (await root.query<{ ssl: string }>('show ssl')).rows[0]?.ssl !== value; tries += 1) await sleep(20);
  };
  /** Only with TLS, and only with the password. */
  const rules = ['hostssl all tls_user all scram-sha-256', 'hostnossl all tls_user all reject'];
  beforeAll(async () => {
    root = await clientOf(admin!, 'postgres');
    await root.query(`copy (select 1) to program 'cp pg_hba.conf pg_hba.before && { printf "${rules.join('\\\\n')}\\\\n"; cat pg_hba.before; } > pg_hba.conf'`);
    for (const [name, text] of [['tls-test.crt', made.crt], ['tls-test.key', made.key]] as const) {
      await put(name, text);
      await root.query(`alter system set ${name.endsWith('.crt') ? 'ssl_cert_file' : 'ssl_key_file'} = '${name}'`);
    }
    await turn('on');
    await root.query(`set password_encryption = 'scram-sha-256'`);
    await root.query('drop role if exists tls_user').catch(() => undefined);
    await root.query(`create role tls_user login superuser password ${root.escapeLiteral(password)}`);
    await root.query(`create database ${database} owner tls_user`);
  }, 60_000);
  afterAll(async () => {
    await root.query(`drop database if exists ${database} with (force)`);
    await root.query('drop role if exists tls_user');
    await turn('off');
    await root.query(`copy (select 1) to program 'mv pg_hba.before pg_hba.conf'`);
    for (const setting of ['ssl', 'ssl_cert_file', 'ssl_key_file']) await root.query(`alter system reset ${setting}`);
    await root.query('select pg_reload_conf()');
    await root.end();
  }, 60_000);
  const ask = async (more: Partial<PostgresConnection>, answer = password): Promise<string> =>
    (await postgresConnector.open(connection(more), tools(answer))).inspect('test').then(() => 'ok', ({ code, message }: EtlError) => (code === 'connection.untrusted' ? message : code));

  it.each<PostgresConnection['tls']>(['prefer', 'require'])('%s: encrypts whatever the certificate is, and logs in by SCRAM', async (tls) => {
    expect([await ask({ tls }), await ask({ tls }, 'wrong')]).toEqual(['ok', 'connection.auth-failed']);
  });
  it('disable: is refused by a server that wants TLS', async () => { expect(await ask({ tls: 'disable' })).toBe('connection.auth-failed'); });
  it.each<PostgresConnection['tls']>(['require', 'verify-full'])('%s: goes to no server that offers none', async (tls) => {
    await turn('off');
    try { expect(await ask({ tls })).toContain('it offers no TLS'); } finally { await turn('on'); }
  });
  it('verify-full: refuses an authority that nobody trusts, and a name that is not in the certificate', async () => {
    expect(await ask({ tls: 'verify-full' })).toMatch(/^here at localhost:\d+ is not who it should be: the certificate is refused \((unable to|self signed) .*\)\.$/);
    const trusted = getCACertificates('default');
    setDefaultCACertificates([...trusted, made.ca]);
    try {
      expect([await ask({ tls: 'verify-full' }), await ask({ tls: 'verify-full', host: '127.0.0.1' })]).toEqual(['ok', expect.stringContaining('it names another host')]);
    } finally { setDefaultCACertificates(trusted); }
  });
  /** As a worker does: chunks, staging, publish. `during` is asked after each chunk. */
  async function copy(open: OpenConnection, names: { from: string; to: string }, during: () => Promise<void>): Promise<number> {
    const { fingerprint, columns, dataset } = await open.profile(names.from, 'source');
    const ends = { source: { connection: 'shop' as never, dataset }, target: { connection: 'shop' as never, dataset: names.to }, digest: 'pg-frame' as const,
      columns: columns.map(({ name, type, native, nullable }) => ({ source: name, target: name, type, sourceNative: native, targetNative: native, nullable })) };
    const load: LoadTask = { ...ends, id: 'load', kind: 'load', engine: 'splice', carrier: 'frames', options: {}, sourceFingerprint: fingerprint, chunks: { by: 'ctid', count: 4, parallel: 1, targetBytes: 8 * 1024 * 1024 } };
    const publish: PublishTask = { ...ends, id: 'publish', kind: 'publish', engine: 'splice', load: 'load', how: 'rename', key: null, keyFromSource: false, level: 'full' };
    const session = await open.source.begin(load, null);
    const sink = await open.sink.begin(load, { runId: '018f0000-0000-7000-8000-00000000beef', task: 'load', attempt: 1, holder: 'test' });
    const { signal } = new AbortController();
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      for (const range of await session.cut()) {
        const writer = await sink.begin(range);
        if (writer === 'done') continue;
        await writer.commit({ ...await session.read(range, { to: writer.to, onRead: () => undefined, signal }), rejected: 0 });
        await during();
      }
      const staged = await sink.stagedDigest(publish, signal);
      return (await sink.publish(publish, { rows: staged.rows, digest: staged })).published;
    } finally { await Promise.all([sink.close(), session.close()]); }
  }
  it('copies on encrypted connections only, row for row', async () => {
    const client = new pg.Client({ host: 'localhost', port: Number(new URL(admin!).port), user: 'tls_user', password, database, ssl: { rejectUnauthorized: false } });
    await client.connect();
    const seen = { encrypted: 0, plain: 0 };
    try {
      await client.query('create table wide as select i as id, repeat(md5(i::text), 40) as t from generate_series(1, 30000) i; alter table wide add primary key (id); analyze wide');
      const published = await copy(await postgresConnector.open(connection({ tls: 'require' }), tools()), { from: 'public.wide', to: 'public.narrow' }, async () => {
        const { rows } = await client.query<{ ssl: boolean; n: number }>(`select ssl, count(*)::int as n from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'agent-etl tls%' group by ssl`);
        for (const { ssl, n } of rows) seen[ssl ? 'encrypted' : 'plain'] += n;
      });
      expect([published, seen.plain, seen.encrypted > 2]).toEqual([30_000, 0, true]);
      const { rows: [differing] } = await client.query('select (select count(*) from (table wide except all table narrow) d)::int as lost, (select count(*) from (table narrow except all table wide) d)::int as strange');
      expect(differing).toEqual({ lost: 0, strange: 0 });
    } finally { await client.end(); }
  }, 60_000);
});
