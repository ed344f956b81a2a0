import { sqlFor } from '@agent-etl/sql-safety';
import { grouped } from '../screens/numbers.ts';
import { type DemoCheck, checkEqual, receiptChecks } from './demo-checks.ts';
import { askParquet } from './demo-database.ts';
import { delays } from './demo-numbers.ts';
import { type Act, runAct } from './demo-run.ts';
import { actLine, withTime } from './demo-screens.ts';
import type { Stage } from './demo-stage.ts';

const sums = sqlFor('duckdb')`select format('{} groups, {} flights, {} late, {} minutes, {} at worst, {} days, {} airports', count(*), sum(flights), sum(late), sum(delay_min), max(worst_min), count(distinct day), count(distinct origin)) as said`;

/** Steps that group: the warehouse computes, and only the groups travel. */
export async function delaysAct({ session, databases, projectDir }: Stage): Promise<{ act: Act; checks: DemoCheck[] }> {
  const { output } = session;
  output.show(actLine(output.paint, { number: 3, of: 4, say: 'Per day and airport: flights, late ones, total and worst delay, into the lake as Parquet.' }));
  const act = await runAct(session, 'daily_delays');
  const begun = performance.now();
  const said = act.run.state === 'succeeded' ? (await askParquet(databases, `${projectDir}/lake/daily_delays.parquet`, sums))['said'] : 'no file';
  output.show([withTime(`   check   sum of flights in the file: ${grouped(delays.grouped)}, nothing lost in the grouping`, performance.now() - begun)]);
  return { act, checks: [...receiptChecks('daily_delays', act.run, delays), checkEqual('daily_delays: grouped', delays.grouped, act.run.receipt?.grouped), checkEqual('daily_delays.parquet: sums', delays.sums, String(said))] };
}
