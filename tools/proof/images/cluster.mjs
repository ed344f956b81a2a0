// What a platform team would have: a PostgreSQL with TLS and passwords, a Kafka with TLS and SASL, secrets as files that only the pods' group reads. All real, all on loopback.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { USER } from '../../../deploy/docker/images.mjs';
import { cache } from '../../install.mjs';
import { certificate } from '../../provision/certificate.mjs';
import { freePort } from '../../provision/free-port.mjs';
import { startKafka } from '../../provision/kafka/kafka-cluster.mjs';
import { provisionKafka } from '../../provision/kafka/provision.mjs';
import { startPostgres } from '../../provision/postgres.mjs';

export const services = { orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' };
const roles = ['etl_owner', 'etl_relay', ...Object.values(services), 'etl'];
const SECRETS = '/run/secrets/etl';
// The login of data, `etl`, comes without TLS, the platform's own only with it.
const access = 'local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all etl 127.0.0.1/32 scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n';

/** A file as a projected secret has it: root's, read by the pod's group. */
function secret(folder, path, content) {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  chownSync(file, 0, USER);
  chmodSync(file, 0o440);
}
async function openPostgres(folder) {
  const made = certificate(folder);
  if (!made) throw new Error('there is no openssl to make certificates with');
  const gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8' }));
  for (const file of [made.key, made.cert]) { chownSync(file, 0, gid); chmodSync(file, 0o640); }
  const rules = join(folder, 'pg_hba.conf');
  writeFileSync(rules, access, { mode: 0o644 });
  const server = await startPostgres({ settings: { hba_file: rules, ssl: 'on', ssl_cert_file: made.cert, ssl_key_file: made.key, password_encryption: 'scram-sha-256' } });
  return { ...server, ca: readFileSync(made.ca) };
}

export class Cluster {
  /** @param folder below which everything lies; others may enter it */
  static async open(folder) {
    const cluster = new Cluster();
    cluster.folder = folder;
    const at = (name) => { const path = join(folder, name); mkdirSync(path, { recursive: true }); chmodSync(path, 0o755); return path; };
    // The user postgres exists once a server was started; a machine without it gets it here.
    cluster.postgres = await startPostgres().then(async (first) => { await first.stop(); return openPostgres(at('postgres')); });
    cluster.kafka = await startKafka({ ...await provisionKafka(join(cache, 'kafka')), dir: at('kafka'), isSecureToo: true });
    cluster.otherCa = readFileSync(cluster.kafka.secure.ca);
    cluster.passwords = Object.fromEntries(roles.map((role) => [role, `${randomBytes(9).toString('base64url')} '"&`]));
    cluster.token = randomBytes(24).toString('base64url');
    const keys = generateKeyPairSync('ed25519');
    cluster.signingKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
    cluster.publicKey = join(folder, 'public.pem');
    writeFileSync(cluster.publicKey, keys.publicKey.export({ type: 'spki', format: 'pem' }));
    cluster.ports = Object.fromEntries(await Promise.all(Object.keys(services).map(async (app) => [app, await freePort()])));
    cluster.hosts = join(folder, 'hosts');
    writeFileSync(cluster.hosts, '127.0.0.1 localhost\n');
    await cluster.#administer();
    return cluster;
  }
  /** What an administrator does once: roles and databases. */
  async #administer() {
    await this.sql('postgres', async (client) => {
      for (const [role, password] of Object.entries(this.passwords)) await client.query(`create role ${role} login password ${client.escapeLiteral(password)}`);
      await client.query('create database agent_etl owner etl_owner');
      for (const name of ['shop', 'warehouse']) await client.query(`create database ${name} owner etl`);
    });
  }
  /** Runs work as the superuser of a database. */
  async sql(database, work) {
    const client = new pg.Client({ host: '127.0.0.1', port: this.postgres.port, user: 'postgres', database });
    await client.connect();
    try { return await work(client); } finally { await client.end(); }
  }
  /** A pod's folder of secrets, with its own keys alone. `over` replaces files; null leaves one out. */
  secrets(app, over = {}) {
    const folder = mkdtempSync(join(this.folder, `secrets-${app}-`));
    chmodSync(folder, 0o755);
    const { ca, username, password } = this.kafka.secure;
    const files = {
      'postgres/ca.crt': this.postgres.ca, 'postgres/own': this.passwords[services[app]], 'postgres/relay': this.passwords.etl_relay, 'postgres/owner': this.passwords.etl_owner,
      'kafka/ca.crt': readFileSync(ca), 'kafka/username': username, 'kafka/password': password, 'access/tokens.json': JSON.stringify({ [this.token]: { name: 'proof', role: 'admin' } }),
      ...(app === 'orchestrator' ? { 'signing/ed25519.pem': this.signingKey } : {}), ...over,
    };
    for (const [path, content] of Object.entries(files)) if (content !== null) secret(folder, path, content);
    return folder;
  }
  databaseUrl(role, database = 'agent_etl') { return `postgres://${role}@localhost:${this.postgres.port}/${database}?sslmode=verify-full&sslrootcert=${SECRETS}/postgres/ca.crt`; }

  /** A pod of a service as the chart makes it. @param more `{ env, secrets, database }` and what `specOf` takes */
  pod(app, { env = {}, secrets = {}, mounts = [], database, ...more } = {}) {
    const worker = app === 'etl-worker';
    return {
      memoryMb: worker ? 2048 : 512, scratchMb: worker ? 512 : 64,
      mounts: [{ from: this.secrets(app, secrets), at: SECRETS }, { from: this.hosts, at: '/etc/hosts' }, ...mounts],
      env: {
        NODE_OPTIONS: `--max-old-space-size-percentage=${worker ? 30 : 60}`, ETL_SERVICE_KIT_HOST: '127.0.0.1', ETL_SERVICE_KIT_PORT: this.ports[app], ETL_SERVICE_KIT_GRACE_MS: worker ? 145_000 : 40_000, ETL_SERVICE_KIT_TOKENS: `${SECRETS}/access/tokens.json`,
        ETL_PERSISTENCE_URL: this.databaseUrl(services[app], database), ETL_PERSISTENCE_RELAY_URL: this.databaseUrl('etl_relay', database), ETL_PERSISTENCE_PASSWORD_FILE: `${SECRETS}/postgres/own`, ETL_PERSISTENCE_RELAY_PASSWORD_FILE: `${SECRETS}/postgres/relay`,
        ...this.#messaging(),
        ...(app === 'orchestrator' ? { ETL_ORCHESTRATOR_SIGNING_KEY_FILE: `${SECRETS}/signing/ed25519.pem` } : {}),
        ...(worker ? { ETL_ETL_WORKER_SLOTS: 4, ETL_ETL_WORKER_SCRATCH: '/tmp', ETL_SECRETS_STORE: 'env', ETL_SECRET_ETL_PASSWORD: this.passwords.etl } : {}), ...env,
      },
      ...more,
    };
  }
  #messaging() {
    return {
      ETL_MESSAGING_BROKERS: this.kafka.secure.brokers.join(','), ETL_MESSAGING_TLS: 'on', ETL_MESSAGING_SASL: 'scram-sha-512', ETL_MESSAGING_CA_FILE: `${SECRETS}/kafka/ca.crt`,
      ETL_MESSAGING_USERNAME_FILE: `${SECRETS}/kafka/username`, ETL_MESSAGING_PASSWORD_FILE: `${SECRETS}/kafka/password`,
    };
  }
  /** The pod of a job before the services start: one command of a service's own image. */
  job(app, words, { database, ...more } = {}) {
    return { memoryMb: 256, args: words, mounts: [{ from: this.secrets(app), at: SECRETS }, { from: this.hosts, at: '/etc/hosts' }],
      env: words[0] === 'migrate' ? { ETL_PERSISTENCE_ADMIN_URL: this.databaseUrl('etl_owner', database), ETL_PERSISTENCE_ADMIN_PASSWORD_FILE: `${SECRETS}/postgres/owner` } : this.#messaging(), ...more };
  }
  url(app) { return `http://127.0.0.1:${this.ports[app]}`; }
  /** What a page of a service answers: `{ status, body }`, or null while nobody listens. */
  async page(app, path) {
    const answer = await fetch(`${this.url(app)}${path}`, { signal: AbortSignal.timeout(3_000) }).catch(() => null);
    return answer && { status: answer.status, body: await answer.json().catch(() => null) };
  }
  /** Calls the orchestrator's API. @throws Error with the answer that is no success */
  async call(method, path, body) {
    const answer = await fetch(`${this.url('orchestrator')}${path}`, { method, headers: { authorization: `Bearer ${this.token}`, ...(body ? { 'content-type': 'application/json' } : {}) }, body: body && JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(said)}`);
    return said;
  }
  async close() {
    await this.kafka?.stop();
    await this.postgres?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
