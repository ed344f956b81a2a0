import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { findBinaries } from './embedded-binaries.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { platformMigrations } from './migrations/platform.migration.ts';
import { isServer } from './postmaster.ts';
import { prepareState } from './state-preparation.ts';
import { StateDatabase } from './state-database.ts';

const answer = async (url: string, query: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try { return (await client.query(query)).rows as unknown[]; } finally { await client.end(); }
};

describe('embedded PostgreSQL', () => {
  let folder: string;
  const started: EmbeddedPostgres[] = [];
  const start = async (port?: number): Promise<EmbeddedPostgres> => {
    const server = await startEmbeddedPostgres({ folder: join(folder, 'new', 'postgres'), ...(port === undefined ? {} : { port }) });
    started.push(server);
    return server;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etl-embedded-'));
    await chmod(folder, 0o755); // a folder that the user of the server may enter, and a new one below it
  });
  afterAll(async () => {
    for (const { pid, stop } of started) if (await isServer(pid)) await stop();
    for (const path of new Set([folder, ...started.map((server) => server.folder)])) await rm(path, { recursive: true, force: true });
  });

  it('starts, refuses strangers, keeps its data over a stop', async () => {
    const first = await start();
    await answer(first.url, 'create table kept as select 1 as one');
    await expect(answer(first.url.replace(first.password, 'wrong'), 'select 1')).rejects.toMatchObject({ code: '28P01' });
    await first.stop();
    expect(await isServer(first.pid)).toBe(false);
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await answer(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('adopts the server that a killed process left', async () => {
    const before = started.at(-1)!;
    await before.stop();
    const code = `import { startEmbeddedPostgres } from ${JSON.stringify(join(import.meta.dirname, 'embedded-postgres.ts'))};
      const server = await startEmbeddedPostgres({ folder: ${JSON.stringify(join(folder, 'new', 'postgres'))} }); console.log(String(server.pid)); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await new Promise((done) => { child.stdout.once('data', (data: Buffer) => { done(data.toString()); }); }));
    const gone = new Promise((done) => { child.once('exit', done); });
    child.kill('SIGKILL');
    await gone;
    expect(await isServer(pid)).toBe(true);
    const adopted = await start();
    expect(adopted).toMatchObject({ pid, adopted: true });
    expect(await answer(adopted.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('stops an orphan that listens elsewhere than it is asked to', async () => {
    const before = started.at(-1)!;
    const moved = await start(before.port === 54_999 ? 54_998 : 54_999);
    expect(moved).toMatchObject({ adopted: false });
    expect(moved.port).not.toBe(before.port);
    expect(await isServer(before.pid)).toBe(false);
  });

  it('recovers after a kill -9 of the server itself, also while one of its processes still has its memory', async () => {
    const before = started.at(-1)!;
    const [writer] = await answer(before.url, `select pid from pg_stat_activity where backend_type = 'background writer'`) as { pid: number }[];
    process.kill(writer!.pid, 'SIGSTOP');
    process.kill(before.pid, 'SIGKILL');
    const begun = start();
    await Promise.race([sleep(1_500), begun]);
    process.kill(writer!.pid, 'SIGCONT');
    const after = await begun;
    expect(after.adopted).toBe(false);
    expect(await answer(after.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('is stopped although an administrator has restarted it', async () => {
    const before = started.at(-1)!;
    process.kill(before.pid, 'SIGINT');
    while (await isServer(before.pid)) await sleep(20);
    const again = await start(before.port);
    expect(again.pid).not.toBe(before.pid);
    await before.stop();
    expect(await isServer(again.pid)).toBe(false);
    await start();
  });

  it('is prepared by an administrator who is no superuser, as managed databases have them', async () => {
    const { url, password } = started.at(-1)!;
    await answer(url, `create role managed login createrole createdb password '${password}'`);
    const adminUrl = url.replace('//postgres:', '//managed:');
    for (const round of ['first', 'second']) {
      const logins = await prepareState({ adminUrl, database: 'managed', password, schemas: [{ schema: 'worker', migrations: platformMigrations() }] });
      const state = await StateDatabase.open({ ...logins.worker, schema: 'worker', entities: [] });
      expect({ round, migrated: (await state.migrated()).map(({ name }) => name) }).toEqual({ round, migrated: ['Platform1764000000000'] });
      await state.close();
    }
  });

  it('holds the state of services, whose logins need the password', async () => {
    const { url, password } = started.at(-1)!;
    const logins = await prepareState({ adminUrl: url, database: 'etl_state', password, schemas: [{ schema: 'monitor', migrations: platformMigrations() }] });
    const state = await StateDatabase.open({ ...logins.monitor, schema: 'monitor', entities: [] });
    await state.ping();
    await state.close();
    const other = logins.monitor.url.replace(encodeURIComponent(password), 'guess');
    await expect(StateDatabase.open({ ...logins.monitor, url: other, schema: 'monitor', entities: [] })).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringContaining('the server refuses this login') as unknown });
  });

  it('is reached through its socket where there is one, and over loopback where its folder is too deep for one', async () => {
    const server = started.at(-1)!;
    const peer = 'select inet_client_addr() as peer';
    expect(await answer(server.url, peer)).toEqual([{ peer: '127.0.0.1' }]);
    expect(await answer(server.nearUrl, peer)).toEqual([{ peer: null }]);
    const deep = await startEmbeddedPostgres({ folder: join(folder, 'd'.repeat(100), 'postgres') });
    started.push(deep);
    expect(deep.folder.startsWith('/var/tmp/agent-etl-') || deep.nearUrl === deep.url).toBe(true);
    expect(await answer(deep.nearUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts although the lock of its socket names a program that is none of ours, and although folder and way are oddly named', async () => {
    const { identity } = await findBinaries();
    const stranger = spawn('sleep', ['60'], { ...identity, cwd: '/', stdio: 'ignore' });
    try {
      const odd = await startEmbeddedPostgres({ folder: join(folder, 'a b%41#?é"\'', 'postgres') });
      started.push(odd);
      expect(await answer(odd.nearUrl, 'select inet_client_addr() as peer')).toEqual([{ peer: null }]);
      process.kill(odd.pid, 'SIGKILL');
      while (await isServer(odd.pid)) await sleep(20);
      const lock = join(odd.folder, `.s.PGSQL.${odd.port}.lock`);
      await writeFile(lock, (await readFile(lock, 'utf8')).replace(/^\d+/, String(stranger.pid)));
      const again = await startEmbeddedPostgres({ folder: join(folder, 'a b%41#?é"\'', 'postgres'), port: odd.port });
      started.push(again);
      expect(again).toMatchObject({ adopted: false, port: odd.port, nearUrl: odd.nearUrl });
      const { monitor } = await prepareState({ adminUrl: again.nearUrl, database: 'odd', password: again.password, schemas: [{ schema: 'monitor', migrations: platformMigrations() }] });
      const state = await StateDatabase.open({ ...monitor, schema: 'monitor', entities: [] });
      await state.ping();
      await state.close();
    } finally { stranger.kill('SIGKILL'); }
  });

  it('is reached over loopback where its socket is what a dead server left', async () => {
    const bare = await start();
    const socket = join(bare.folder, `.s.PGSQL.${bare.port}`);
    await rm(socket, { force: true });
    // Bound by a process that was killed: the file stays, and nobody answers.
    await new Promise((done) => { spawn(process.execPath, ['-e', `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`, socket], { stdio: 'ignore' }).once('exit', done); });
    expect(existsSync(socket)).toBe(true);
    const adopted = await start();
    expect(adopted).toMatchObject({ adopted: true, pid: bare.pid });
    expect(await answer(adopted.nearUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('is away for those who use its socket once it has ended', async () => {
    const server = started.at(-1)!;
    const logins = await prepareState({ adminUrl: server.nearUrl, database: 'etl_near', password: server.password, schemas: [{ schema: 'monitor', migrations: platformMigrations() }] });
    const state = await StateDatabase.open({ ...logins.monitor, schema: 'monitor', entities: [] });
    await server.stop();
    for (const ask of [state.ping(), state.inTenantTx('00000000-0000-7000-8000-00000000000a', () => Promise.resolve())]) await expect(ask).rejects.toMatchObject({ code: 'platform.unavailable' });
    await start(server.port);
    await state.ping();
    await state.close();
  });

  it('writes no statement into its log', async () => {
    const server = started.at(-1)!;
    await expect(answer(server.url, `select 'canary-7f3a'::int`)).rejects.toThrow();
    expect(await readFile(join(server.folder, 'postgres.log'), 'utf8')).not.toContain('select');
  });
});
