import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type World, sqlIn } from '../world.ts';

async function filesWith(folder: string, needle: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found = await Promise.all(entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('/postgres')).map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return (await readFile(path).catch(() => Buffer.alloc(0))).includes(needle) ? [path] : [];
  }));
  return found.flat();
}
async function tablesWith(world: World, needle: string): Promise<string[]> {
  const tables = await sqlIn<{ name: string }>(world, 'agent_etl', `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
  const found: string[] = [];
  for (const { name } of tables) { // one by one: the services have connections, too
    const [row] = await sqlIn<{ n: number }>(world, 'agent_etl', `select count(*)::int as n from ${name} as t where strpos(t::text, '${needle}') > 0 or strpos(t::text, '${Buffer.from(needle).toString('hex')}') > 0`);
    if (row?.n) found.push(name);
  }
  return found;
}
/** Runs last: by now the password has been used hundreds of times. */
export function secrecy(world: () => World, password: string): void {
  it('has the password of a connection nowhere: not in tables, messages, files, logs, metrics, process lists', async () => {
    expect(await tablesWith(world(), password)).toEqual([]);
    const files = await filesWith(world().folder, password);
    expect(files.filter((file) => !file.endsWith('/secrets.json'))).toEqual([]);
    const metrics = await fetch(`${world().url}/metrics`, { headers: { authorization: `Bearer ${world().token}` } });
    expect((await metrics.text()).includes(password)).toBe(false);
    const commands = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    expect(commands.filter((command) => command.includes(password))).toEqual([]);
  });
}
