// Memory of a copy: the peak of the standalone without its PostgreSQL over its own idle, at one size and at three times that size.
import { setTimeout as sleep } from 'node:timers/promises';
import { serverPidOf, startStandalone, withClient } from '../provision/standalone.mjs';
import { loadLineitem, openCluster } from './lineitem.mjs';
import { pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { runPipeline } from './run-pipeline.mjs';

const settleMs = 8_000;
async function peakOf(cluster, table, say) {
  await withClient(cluster.wh, (client) => client.query(`drop table if exists public.${table}`));
  const standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
  try {
    await sleep(settleMs);
    const own = () => pssMiB(standalone.pid, pidsOf(serverPidOf(standalone)));
    const idle = own();
    const watch = watchPeak(own, 250);
    await runPipeline(standalone, { name: `memory_${table}`, from: { connection: 'shop', dataset: `public.${table}` }, to: { connection: 'wh', dataset: `public.${table}` } });
    const peak = watch.stop();
    await sleep(settleMs);
    const figures = { table, idle, peak, over: peak - idle, after: own() };
    say(`${table}: idle ${idle.toFixed(0)} MiB, peak ${peak.toFixed(0)} MiB, over idle ${figures.over.toFixed(1)} MiB, afterwards ${figures.after.toFixed(0)} MiB`);
    return figures;
  } finally { await standalone.stop(); }
}
export async function memory({ rows, say }) {
  const cluster = await openCluster();
  try {
    const third = Math.floor(rows / 3);
    await loadLineitem(cluster, rows, 'lineitem');
    await withClient(cluster.shop, async (client) => { await client.query(`create table third as select * from lineitem limit ${third}`); await client.query('vacuum analyze third'); });
    const [small, large] = [await peakOf(cluster, 'third', say), await peakOf(cluster, 'lineitem', say)];
    const goal = (size) => `peak PSS ${size.peak.toFixed(0)} MiB, idle ${size.idle.toFixed(0)} MiB`;
    return { name: 'memory', rows, small, large, lines: [
      [`memory over idle, ${third} rows`, `${small.over.toFixed(0)} MiB`, goal(small), '<= 96 MB'], [`memory over idle, ${rows} rows`, `${large.over.toFixed(0)} MiB`, goal(large), '<= 96 MB'],
      ['memory, 3x the rows', `${(large.peak / small.peak).toFixed(3)} of the peak, ${(large.over / small.over).toFixed(3)} of what is over idle`, 'standalone without its PostgreSQL', '<= 1.05']] };
  } finally { await cluster.stop(); }
}
