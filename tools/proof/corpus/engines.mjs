// Real engines with canaries: what no query of the corpus may show.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';

export const CANARY = 'CANARY-7f3a91';
const TABLES = ['CREATE SCHEMA private', `CREATE TABLE secret (s text)`, `INSERT INTO secret VALUES ('${CANARY}')`, `CREATE TABLE private.vault (s text)`, `INSERT INTO private.vault VALUES ('${CANARY}')`];
const ATTACKED_TABLES = ['CREATE TABLE t (id bigint, n integer, s text, d date, salary bigint)', `INSERT INTO t VALUES (1, 1, 'x', DATE '2024-01-01', 771133), (2, 2, 'y', DATE '2024-01-02', 771144)`, 'CREATE TABLE u (id bigint, name text)', `INSERT INTO u VALUES (1, 'a')`];
const showsCanary = (rows) => { const text = JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value)); return text.includes(CANARY) || text.includes('771133') || text.includes('771144') || text.includes('root:x:'); };

/** DuckDB, locked as the product locks it, with a file and a variable that it could show. Postgres names its schema public, DuckDB main: a schema of that name stands here too. */
export async function openDuck(ddl = []) {
  const folder = mkdtempSync(join(tmpdir(), 'corpus-duck-'));
  writeFileSync(join(folder, 'secret.csv'), `s\n${CANARY}\n`);
  process.env.CANARY = CANARY;
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '512MB', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' });
  const connection = await instance.connect();
  for (const statement of ['CREATE SCHEMA public', 'USE memory.public', ...TABLES, ...ATTACKED_TABLES, ...ddl, `SET VARIABLE canary = '${CANARY}'`]) await connection.run(statement);
  for (const setting of [`allowed_directories = ['${folder}']`, `TimeZone = 'UTC'`, 'enable_external_access = false', 'lock_configuration = true']) await connection.run(`SET ${setting}`);
  const rows = async (text, ms) => {
    const timer = setTimeout(() => connection.interrupt(), ms);
    try { return (await connection.streamAndReadUntil(text, 5_000)).getRowObjectsJson(); } finally { clearTimeout(timer); }
  };
  return {
    /** @returns whether rows of the text show a canary; throws what the engine says */
    shows: async (text, ms = 2_000) => showsCanary(await rows(text, ms)),
    rows: (text) => rows(text, 4_000),
    undone: async (text, ms = 2_000) => { await connection.run('BEGIN'); try { return showsCanary(await rows(text, ms)); } catch { return false; } finally { await connection.run('ROLLBACK').catch(() => undefined); } },
    stop: async () => { connection.closeSync(); instance.closeSync(); rmSync(folder, { recursive: true, force: true }); },
  };
}

/** PostgreSQL as a role that may read everything, the secrets too: what keeps it from them is the gate alone. */
export async function openPostgres(url, ddl = []) {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  for (const statement of [...TABLES, ...ATTACKED_TABLES, ...ddl]) await owner.query(statement);
  await owner.query('CREATE ROLE reader LOGIN; GRANT pg_read_all_data, pg_read_all_settings, pg_read_server_files TO reader');
  await owner.end();
  const reader = new URL(url);
  reader.username = 'reader';
  const client = new pg.Client({ connectionString: String(reader) });
  client.on('error', () => undefined);
  await client.connect();
  const run = async (text, ms) => {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${ms}`);
    try { const answer = await client.query(text); return showsCanary([answer].flat().map((each) => each.rows)); } finally { await client.query('ROLLBACK').catch(() => undefined); }
  };
  const rows = async (text) => (await client.query({ text, types: { getTypeParser: () => (value) => value } })).rows;
  return { shows: (text, ms = 2_000) => run(text, ms), rows, undone: (text, ms = 2_000) => run(text, ms).catch(() => false), stop: () => client.end() };
}
