import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readTopics } from '@agent-etl/messaging/testing';
import { fresh } from '../steps.ts';
import { type SetUp, type World, partOf, sqlIn } from '../world.ts';

async function filesWith(folder: string, needle: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found = await Promise.all(entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('/postgres')).map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return (await readFile(path).catch(() => Buffer.alloc(0))).includes(needle) ? [path] : [];
  }));
  return found.flat();
}
/** Tables of a database with the needle in a row, as text or as bytes, and sessions with it in their name or their last statement. */
async function tablesWith(world: World, database: string, needle: string): Promise<string[]> {
  const tables = await sqlIn<{ name: string }>(world, database, `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
  const found: string[] = [];
  for (const { name } of [...tables, { name: '(select application_name, query from pg_stat_activity where pid <> pg_backend_pid())' }]) { // one by one: the services have connections, too
    const [row] = await sqlIn<{ n: number }>(world, database, `select count(*)::int as n from ${name} as t where strpos(t::text, '${needle}') > 0 or strpos(t::text, '${Buffer.from(needle).toString('hex')}') > 0`);
    if (row?.n) found.push(`${database} ${name}`);
  }
  return found;
}
/** A connection that holds the password itself instead of a reference to it: whoever knows this path has to refuse it, the others do not have it. */
async function refusal(door: string, { token, postgresUrl }: World, password: string): Promise<{ status: number; text: string }> {
  const { hostname: host, port } = new URL(postgresUrl);
  const body = JSON.stringify({ connector: 'postgres', host, port: Number(port), database: 'shop', user: 'etl', password, tls: 'disable' });
  const answer = await fetch(`${door}/v1/connections/${fresh('open')}`, { method: 'PUT', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body });
  return { status: answer.status, text: `${JSON.stringify([...answer.headers])}${await answer.text()}` };
}
/** Runs last: by now the password has been used hundreds of times. The refused requests come first, so that the rest also looks for what they left. */
export function secrecy(world: () => World, has: SetUp['has'], password: string): void {
  it('repeats the password in no refusal of any door', async () => {
    for (const [name, door] of Object.entries(world().doors)) {
      const { status, text } = await refusal(door, world(), password);
      expect([name, status >= 400 && status < 500, text.includes('"code"'), text.includes(password)]).toEqual([name, true, true, false]);
    }
    const { code, stdout, stderr } = await world().cli(['run', 'shop.public.no_such_table', '--to', './x.csv', '--json']);
    expect([code, `${stdout}${stderr}`.includes(password)]).toEqual([1, false]);
  });
  it.each(['agent_etl', 'shop', 'warehouse'])('has it in no table and no session of the database %s', async (database) => {
    const schemas = await sqlIn<{ name: string }>(world(), database, 'select nspname::text as name from pg_namespace');
    if (database === 'warehouse') expect(schemas.map(({ name }) => name)).toEqual(expect.arrayContaining(['_etl', 'mart']));
    expect(await tablesWith(world(), database, password)).toEqual([]);
  });
  it('has it in no file and no log', async () => {
    const files = await filesWith(world().folder, password);
    expect(files.filter((file) => !file.endsWith('/secrets.json'))).toEqual([]);
  });
  it('has it in the metrics of no process', async () => {
    for (const [name, door] of Object.entries(world().doors)) {
      const answer = await fetch(`${door}/metrics`, { headers: { authorization: `Bearer ${world().token}` } });
      const text = await answer.text();
      expect([name, answer.status, text.includes('# TYPE'), text.includes(password)]).toEqual([name, 200, true, false]);
    }
  });
  if (has.broker) it('has it in no message of any topic', async () => {
    const records = await readTopics(partOf(world().broker).brokers);
    const topics = ['etl.pipeline.requests', 'etl.pipeline.events', 'etl.task.commands', 'etl.task.events', 'etl.run.events', 'etl.dag.events', 'etl.dlq.orchestrator'];
    expect([...new Set(records.map(({ topic }) => topic))]).toEqual(expect.arrayContaining(topics));
    expect(records.filter(({ topic, text }) => topic === 'etl.task.commands' && text.includes('secret://etl#password'))).not.toEqual([]); // the reference travels, so the search sees what it should
    expect(records.filter(({ text }) => text.includes(password))).toEqual([]);
  });
  it('has it in no process list', async () => {
    const commands = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    expect(commands.filter((command) => command.includes(password))).toEqual([]);
  });
}
