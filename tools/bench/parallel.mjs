// Eight pipelines at once against one of the same rows: whether many in parallel cost more than one, in rows per second, CPU and memory.
import { startStandalone, serverPidOf, withClient } from '../provision/standalone.mjs';
import { contentOf, loadLineitem, openCluster } from './lineitem.mjs';
import { cpuSeconds, pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { runPipeline } from './run-pipeline.mjs';
import { median } from './statistics.mjs';

const many = 8;
const names = Array.from({ length: many }, (_, nth) => `part_${nth}`);

/** All tables from the request to their green runs. */
async function round(cluster, standalone, { tables, name }) {
  await withClient(cluster.wh, async (client) => {
    for (const table of tables) await client.query(`drop table if exists public.${table}`);
    await client.query('checkpoint');
  });
  const own = () => pssMiB(standalone.pid, pidsOf(serverPidOf(standalone)));
  const [idle, watch] = [own(), watchPeak(own, 250)];
  const cpu = () => cpuSeconds(standalone.pid) + cpuSeconds(cluster.pid);
  const [cpuBefore, began] = [cpu(), performance.now()];
  await Promise.all(tables.map((table) => runPipeline(standalone, { name: `${name}_${table}`, from: { connection: 'shop', dataset: `public.${table}` }, to: { connection: 'wh', dataset: `public.${table}` } })));
  return { wall: (performance.now() - began) / 1000, cpu: cpu() - cpuBefore, over: watch.stop() - idle };
}
export async function parallel({ rows, rounds, say }) {
  const cluster = await openCluster();
  let standalone;
  try {
    await loadLineitem(cluster, rows);
    await withClient(cluster.shop, async (client) => {
      for (const [nth, table] of names.entries()) await client.query(`create table ${table} as select * from lineitem where l_orderkey % ${many} = ${nth}`);
      await client.query('vacuum analyze');
    });
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh });
    const result = [];
    for (let nth = 0; nth < Math.min(rounds, 3); nth += 1) {
      const pair = {};
      for (const who of nth % 2 ? ['many', 'one'] : ['one', 'many']) pair[who] = await round(cluster, standalone, { tables: who === 'one' ? ['lineitem'] : names, name: `${who}_${nth}` });
      result.push(pair);
      say(`round ${nth + 1}: one ${(rows / pair.one.wall / 1000).toFixed(0)} k/s, ${many} at once ${(rows / pair.many.wall / 1000).toFixed(0)} k/s; memory over idle ${pair.one.over.toFixed(0)} and ${pair.many.over.toFixed(0)} MiB`);
    }
    for (const table of names) {
      const [there, here] = [await contentOf(cluster.shop, `public.${table}`), await contentOf(cluster.wh, `public.${table}`)];
      if (there !== here) throw new Error(`${table}: the copy holds ${here}, the source ${there}`);
    }
    const of = (pick) => median(result.map(pick));
    return { name: 'parallel', rows, rounds: result, lines: [
      [`${many} pipelines at once, rows/s of one pipeline's`, of(({ one, many: all }) => one.wall / all.wall).toFixed(2), `one ${(rows / of(({ one }) => one.wall) / 1000).toFixed(0)} k/s, proof and publish included; CPU ${of(({ one, many: all }) => all.cpu / one.cpu).toFixed(2)} of one's`, '>= 0.9'],
      [`${many} pipelines at once, memory over idle`, `${of(({ many: all }) => all.over).toFixed(0)} MiB`, `one pipeline ${of(({ one }) => one.over).toFixed(0)} MiB`, 'no surprise']] };
  } finally { await standalone?.stop(); await cluster.stop(); }
}
