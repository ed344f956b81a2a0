// A restore that somebody ends, and one whose program is killed: what is said, what is left, and that the same command ends it afterwards.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../provision/standalone.mjs';

const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
/** Rows of the archive are in the tables of the restore's open transaction as soon as their files grow: so it is in its middle. */
const isLoading = (url) => withClient(url, async (client) => (await client.query("select from pg_stat_activity where application_name = 'agent-etl restore' and query ilike 'copy %' and state = 'active'")).rowCount > 0);
const rowsOf = (url) => withClient(url, async (client) => (await client.query('select count(*)::int as n from orchestrator.run_event')).rows[0].n);

/** @param how `end` sends the signal, given the process id of the command line */
async function restoreAndEnd({ bin, cwd, url, adminUrl }, end) {
  const child = spawn(join(bin, 'agent-etl'), ['restore', 'deployment.backup', '--state', url, '--json'], { cwd, env: { HOME: process.env.HOME, PATH: process.env.PATH, NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = ['stdout', 'stderr'].map((name) => { const all = []; child[name].on('data', (bytes) => { all.push(bytes); }); return () => Buffer.concat(all).toString(); });
  const gone = once(child, 'close');
  for (const until = Date.now() + 120_000; !await isLoading(adminUrl); await sleep(20)) if (Date.now() > until || child.exitCode !== null) throw new Error(`the restore did not begin: ${said[1]()}`);
  end(child.pid);
  const [code] = await gone;
  return { code, error: JSON.parse(said[0]()).error, said: said[1]() };
}

/** @param url an empty database, @param adminUrl a login that sees its sessions */
export async function interrupted({ bin, cwd, url, adminUrl, say, must }) {
  const place = { bin, cwd, url, adminUrl };
  const ended = await restoreAndEnd(place, (pid) => { process.kill(pid, 'SIGINT'); });
  must(ended.code === 130 && ended.error?.code === 'run.cancelled' && ended.error.next, `Ctrl-C in the middle of a restore: exit ${ended.code}, ${ended.error?.text} Next: ${ended.error?.next}`);
  must(await rowsOf(url) === 0, 'no row of it is there');
  const killed = await restoreAndEnd(place, (pid) => { for (const one of childrenOf(pid)) process.kill(one, 'SIGKILL'); });
  must(killed.code === 1 && killed.error?.code === 'platform.unavailable' && /SIGKILL/.test(killed.error.text), `its program killed: exit ${killed.code}, ${killed.error?.text} Next: ${killed.error?.next}`);
  for (const until = Date.now() + 30_000; await isLoading(adminUrl) && Date.now() < until;) await sleep(100);
  must(await rowsOf(url) === 0, 'no row of it is there either');
  const whole = join(cwd, 'ended.backup');
  const backup = spawn(join(bin, 'agent-etl'), ['backup', whole, '--state', adminUrl], { cwd, env: { HOME: process.env.HOME, PATH: process.env.PATH, NO_COLOR: '1' }, stdio: ['ignore', 'ignore', 'pipe'] });
  const left = once(backup, 'close');
  for (const until = Date.now() + 60_000; spawnSync('sh', ['-c', 'ls ended.backup.*.part 2>/dev/null'], { cwd, encoding: 'utf8' }).stdout === '' && Date.now() < until;) await sleep(5);
  process.kill(backup.pid, 'SIGTERM');
  const [code] = await left;
  must(code === 130 && spawnSync('sh', ['-c', 'ls | grep ended'], { cwd, encoding: 'utf8' }).stdout === '', `SIGTERM in the middle of a backup: exit ${code}, and no part of a file stays`);
  say('the same command goes on below, into the same database');
}
