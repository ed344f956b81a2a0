// What ours is held against where a file is at one end: the bare program that does half of the work, or the engine alone.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../install.mjs';
import { seconds, serverSeconds } from './copy.mjs';

const node = join(root, 'node_modules', '.bin', 'node');
const bare = join(import.meta.dirname, 'bare-duckdb.mjs');
export const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

/** Commands of one shell line; the shell says what CPU its children took, the servers what they took meanwhile. */
export function shellRound(line, cluster) {
  const [server, began] = [serverSeconds(cluster), performance.now()];
  const { stdout, status, stderr } = spawnSync('sh', ['-c', `${line} || exit 1; times`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${line.slice(0, 200)}: ${stderr.slice(-500)}`);
  return { client: seconds(stdout), server: serverSeconds(cluster) - server, wall: (performance.now() - began) / 1000 };
}
/** `psql -c COPY`, from a file or into one. */
export const psqlCopy = (cluster, url, { command, from = '/dev/null', to = '/dev/null' }) =>
  shellRound(`psql -X -q -v ON_ERROR_STOP=1 ${quoted(`${url}?sslmode=disable`)} -c ${quoted(command)} < ${quoted(from)} > ${quoted(to)}`, cluster);
/** One statement of the bare engine. @param memoryMb of its buffers · `spill` folder for what does not fit */
export const duckRound = (statement, { memoryMb = 512, spill = '' } = {}) => shellRound(`${quoted(node)} ${quoted(bare)} ${quoted(statement)} ${memoryMb} ${quoted(spill)} > /dev/null`, null);

/** Rows of one statement of the bare engine. */
export function duckRows(statement) {
  const { stdout, status, stderr } = spawnSync(node, [bare, statement], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${statement.slice(0, 200)}: ${stderr.slice(-500)}`);
  return JSON.parse(stdout);
}
/** Count and an order-free sum over the text of all columns of what DuckDB can read. */
export const contentOfFile = (from, columns) => {
  const [{ n, h }] = duckRows(`select count(*) as n, sum(hash(concat_ws('|', ${columns.map((name) => `${name}::varchar`).join(', ')})))::varchar as h from ${from}`);
  return `${n} rows ${h}`;
};
