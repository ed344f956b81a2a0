// Eight pipelines at once against one of the same rows: whether many in parallel cost more than one, in rows per second, CPU and memory. What a pipeline costs before its first row is measured
// beside, with eight tables of a few rows: statistics, plan, receipt and connections are paid once per pipeline, however its rows are moved. Drawn in docs/images/eight-pipelines.svg.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment, root } from '../install.mjs';
import { startStandalone, serverPidOf, withClient } from '../provision/standalone.mjs';
import { contentOf, loadLineitem, openCluster } from './lineitem.mjs';
import { cpuSeconds, pidsOf, pssMiB, watchPeak } from './process-tree.mjs';
import { runPipeline } from './run-pipeline.mjs';
import { median } from './statistics.mjs';
import { terminalSvg } from './terminal-svg.mjs';

const many = 8;
const names = Array.from({ length: many }, (_, nth) => `part_${nth}`);
/** As many rows as the server samples for its statistics: more of them cost no more. */
const fewRows = 30_000;
const fewNames = names.map((name) => `few_${name}`);

/** CPU seconds of one pipeline that do not grow with its rows. */
const fixed = ({ one, few }, rows) => few.cpu / many - one.cpu / rows * fewRows;
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
/** The list of runs as the terminal shows it while all of them are on their way. */
function screenOf({ url, token, folder }) {
  const { stdout, stderr, status } = spawnSync('node', [join(root, 'dist', 'apps', 'cli', 'main.js'), 'runs', '--limit', String(many), '--no-color', '--url', url, '--token', token], { cwd: folder, env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new Error(`agent-etl runs: ${stderr}`);
  return stdout.trimEnd().split('\n');
}
const areOnTheirWay = async ({ call }) => {
  const { items } = await call('GET', `/v1/runs?limit=${many}`);
  return items.every(({ pipeline }) => pipeline.startsWith('drawn_')) && items.some(({ tasks }) => tasks.some(({ rows }) => rows > 0));
};
/** Not one of the measured rounds: a look costs CPU. */
async function draw(cluster, standalone) {
  const isOver = round(cluster, standalone, { tables: names, name: 'drawn' });
  for (let tries = 0; tries < 100 && !await areOnTheirWay(standalone); tries += 1) await sleep(200);
  const lines = screenOf(standalone);
  await isOver;
  writeFileSync(join(root, 'docs', 'images', 'eight-pipelines.svg'), terminalSvg({ title: 'Eight pipelines at once, as agent-etl runs lists them', prompt: `agent-etl runs --limit ${many}`, lines }));
}
export async function parallel({ rows, rounds, say, draws }) {
  const cluster = await openCluster();
  let standalone;
  try {
    await loadLineitem(cluster, rows);
    await withClient(cluster.shop, async (client) => {
      for (const [nth, table] of names.entries()) await client.query(`create table ${table} as select * from lineitem where l_orderkey % ${many} = ${nth}`);
      for (const name of fewNames) await client.query(`create table ${name} as select * from lineitem limit ${fewRows}`);
      await client.query('vacuum analyze');
    });
    standalone = await startStandalone({ shop: cluster.shop, wh: cluster.wh }, { policy: { profile: 'asked' } }); // values are profiled once per shape, whenever nothing else is to do: not in a round
    const result = [];
    for (let nth = 0; nth < Math.min(rounds, 3); nth += 1) {
      const pair = {};
      for (const who of nth % 2 ? ['few', 'many', 'one'] : ['one', 'many', 'few']) pair[who] = await round(cluster, standalone, { tables: { one: ['lineitem'], many: names, few: fewNames }[who], name: `${who}_${nth}` });
      result.push(pair);
      say(`round ${nth + 1}: one ${(rows / pair.one.wall / 1000).toFixed(0)} k/s, ${many} at once ${(rows / pair.many.wall / 1000).toFixed(0)} k/s; CPU ${(pair.many.cpu / pair.one.cpu).toFixed(3)} of one's, ${fixed(pair, rows).toFixed(3)} s of each pipeline fixed; memory over idle ${pair.one.over.toFixed(0)} and ${pair.many.over.toFixed(0)} MiB`);
    }
    for (const table of names) {
      const [there, here] = [await contentOf(cluster.shop, `public.${table}`), await contentOf(cluster.wh, `public.${table}`)];
      if (there !== here) throw new Error(`${table}: the copy holds ${here}, the source ${there}`);
    }
    if (draws) await draw(cluster, standalone);
    const of = (pick) => median(result.map(pick));
    const perPipeline = of((pair) => fixed(pair, rows));
    return { name: 'parallel', rows, rounds: result, lines: [
      [`${many} pipelines at once, rows/s of one pipeline's`, of(({ one, many: all }) => one.wall / all.wall).toFixed(2), `one ${(rows / of(({ one }) => one.wall) / 1000).toFixed(0)} k/s, proof and publish included; CPU ${of(({ one, many: all }) => all.cpu / one.cpu).toFixed(2)} of one's`, '>= 0.9'],
      [`${many} pipelines at once, CPU without what each costs by itself`, `${of(({ one, many: all }) => (all.cpu - (many - 1) * perPipeline) / one.cpu).toFixed(2)} of one's`, `a pipeline of ${fewRows} rows costs ${perPipeline.toFixed(2)} CPU s beside its rows: plan, statistics of the new table, receipt`, ''],
      [`${many} pipelines at once, memory over idle`, `${of(({ many: all }) => all.over).toFixed(0)} MiB`, `one pipeline ${of(({ one }) => one.over).toFixed(0)} MiB`, 'no surprise']] };
  } finally { await standalone?.stop(); await cluster.stop(); }
}
