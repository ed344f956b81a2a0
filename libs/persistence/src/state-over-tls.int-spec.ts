import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { platformMigrations } from './migrations/platform.migration.ts';
import { OWNER_ROLE, RELAY_ROLE } from './row-security.ts';
import { sql } from './sql.ts';
import { StateDatabase, schemas } from './state-database.ts';
import { prepareState } from './state-preparation.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) process.stdout.write('SKIPPED state over TLS: there is no openssl to make a certificate\n');
const suite = hasOpenssl ? describe : describe.skip;
const PASSWORD = 'pencil & "paper"';

/** As a deployment has it: TLS, a database that the owner of the schemas may not make, logins that somebody else made. */
suite('state over TLS', () => {
  let folder: string;
  let server: EmbeddedPostgres;
  let admin: pg.Client;
  const url = (user: string, { host = 'localhost', ca = 'ca.crt' } = {}): string =>
    `postgres://${user}:${encodeURIComponent(PASSWORD)}@${host}:${server.port}/agent_etl?sslmode=verify-full&sslrootcert=${encodeURIComponent(join(folder, ca))}`;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etl-state-tls-'));
    await chmod(folder, 0o755);
    server = await startEmbeddedPostgres({ folder: join(folder, 'postgres') });
    admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    for (const role of [OWNER_ROLE, RELAY_ROLE, ...schemas]) await admin.query(`create role ${role} login password ${admin.escapeLiteral(PASSWORD)}`);
    await admin.query(`create database agent_etl owner ${OWNER_ROLE}`);
    const openssl = (...args: string[]): void => { execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' }); };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    for (const name of ['ca', 'other']) openssl('req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
    openssl('req', '-x509', '-CA', 'ca.crt', '-CAkey', 'ca.key', ...key, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:false', '-keyout', 'server.key', '-out', 'server.crt');
    for (const name of ['server.crt', 'server.key']) { // only the server's own user may read its key, so the server writes it
      const text = admin.escapeLiteral((await readFile(join(folder, name), 'utf8')).trim());
      await admin.query(`copy (select unnest(string_to_array(${text}, E'\\n'))) to program 'umask 077; cat > ${name}'`);
    }
    await admin.query(`alter system set ssl = on`);
    await admin.query('select pg_reload_conf()');
    for (let tries = 0; tries < 100 && (await admin.query<{ ssl: string }>('show ssl')).rows[0]?.ssl !== 'on'; tries += 1) await sleep(20);
  }, 60_000);
  afterAll(async () => {
    await admin?.end();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
    if (server && server.folder !== join(folder, 'postgres')) await rm(server.folder, { recursive: true, force: true });
  });

  it('is migrated by the owner of the schemas, who may make neither roles nor databases, and again without a change', async () => {
    const migrations = platformMigrations();
    const wanted = { adminUrl: url(OWNER_ROLE), schemas: [{ schema: 'monitor' as const, migrations }] };
    await prepareState(wanted);
    await prepareState(wanted);
    const { rows } = await admin.query<{ super: boolean; role: boolean; db: boolean }>('select rolsuper as super, rolcreaterole as role, rolcreatedb as db from pg_roles where rolname = $1', [OWNER_ROLE]);
    expect(rows).toEqual([{ super: false, role: false, db: false }]);
  });
  it('opens with a password, every connection encrypted', async () => {
    const state = await StateDatabase.open({ url: url('monitor'), relayUrl: url(RELAY_ROLE), schema: 'monitor', entities: [] });
    try {
      expect((await state.migrated()).map(({ name }) => name)).toEqual(platformMigrations().map(({ name }) => name));
      expect(await state.asRelay((tx) => tx.run(sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`))).toEqual([{ ssl: true }]);
      const { rows } = await admin.query(`select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename in ('monitor', 'etl_relay')`);
      expect(rows).toEqual([{ ssl: true }]);
    } finally { await state.close(); }
  });
  it.each([['an authority that did not sign', { ca: 'other.crt' }], ['a name that is not in the certificate', { host: '127.0.0.1' }]])('does not open to %s', async (_, over) => {
    await expect(StateDatabase.open({ url: url('monitor', over), relayUrl: url(RELAY_ROLE, over), schema: 'monitor', entities: [] })).rejects.toThrow();
    const { rows } = await admin.query(`select 1 from pg_stat_activity where usename = 'monitor'`);
    expect(rows).toEqual([]);
  });
});
