// Memory of a copy: the peak of the standalone without its PostgreSQL over its own idle, at one size, at three and at ten times that size. Drawn in docs/images/memory.svg.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../install.mjs';
import { serverPidOf, startStandalone, withClient } from '../provision/standalone.mjs';
import { lineChart } from './line-chart.mjs';
import { loadLineitem, openCluster } from './lineitem.mjs';
import { pidsOf, pssMiB } from './process-tree.mjs';
import { runPipeline } from './run-pipeline.mjs';

const settleMs = 8_000;
const everyMs = 250;
const millions = (rows) => `${(rows / 1e6).toFixed(1)} M rows`;

/** Samples over a copy of one table, as `[seconds, MiB]`. */
async function peakOf(cluster, { table, rows }, say) {
  await withClient(cluster.wh, (client) => client.query(`drop table if exists public.${table}`));
  const standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
  try {
    await sleep(settleMs);
    const own = () => pssMiB(standalone.pid, pidsOf(serverPidOf(standalone)));
    const idle = own();
    const began = performance.now();
    const samples = [];
    const look = () => { samples.push([(performance.now() - began) / 1000, own()]); };
    const timer = setInterval(look, everyMs);
    await runPipeline(standalone, { name: `memory_${table}`, from: { connection: 'shop', dataset: `public.${table}` }, to: { connection: 'wh', dataset: `public.${table}` } });
    clearInterval(timer);
    look();
    const peak = Math.max(...samples.map(([, mib]) => mib));
    say(`${table}: idle ${idle.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB, over idle ${(peak - idle).toFixed(1)} MiB`);
    return { table, rows, idle, peak, over: peak - idle, samples };
  } finally { await standalone.stop(); }
}
export async function memory({ rows, say }) {
  const cluster = await openCluster();
  try {
    await loadLineitem(cluster, rows, 'lineitem');
    const sizes = [['tenth', Math.floor(rows / 10)], ['third', Math.floor(rows / 3)], ['lineitem', rows]];
    await withClient(cluster.shop, async (client) => {
      for (const [table, size] of sizes.slice(0, 2)) { await client.query(`create table ${table} as select * from lineitem limit ${size}`); await client.query(`vacuum analyze ${table}`); }
    });
    const seen = [];
    for (const [table, size] of sizes) seen.push(await peakOf(cluster, { table, rows: size }, say));
    const large = seen.at(-1);
    writeFileSync(join(root, 'docs', 'images', 'memory.svg'), lineChart({
      title: 'Memory while rows are copied, without the state database', x: 'seconds', y: 'MiB', series: seen.map((one) => ({ name: `${millions(one.rows)}, peak ${one.peak.toFixed(0)} MiB`, points: one.samples })) }));
    return { name: 'memory', rows, seen, lines: [
      ...seen.map((one) => [`memory over idle, ${one.rows} rows`, `${one.over.toFixed(0)} MiB`, `peak PSS ${one.peak.toFixed(0)} MiB, idle ${one.idle.toFixed(0)} MiB`, '<= 96 MB']),
      ...seen.slice(0, 2).map((one) => [`memory, ${Math.round(rows / one.rows)}x the rows`, `${(large.peak / one.peak).toFixed(3)} of the peak`, 'standalone without its PostgreSQL', '<= 1.05'])] };
  } finally { await cluster.stop(); }
}
