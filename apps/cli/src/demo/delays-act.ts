import type { Receipt } from '@agent-etl/contracts';
import { rowDigest, sqlFor } from '@agent-etl/sql-safety';
import { grouped } from '../screens/numbers.ts';
import { type DemoCheck, checkEqual, receiptChecks } from './demo-checks.ts';
import { askParquet } from './demo-database.ts';
import { delayColumns, delays, digestKey } from './demo-numbers.ts';
import { type Act, runAct } from './demo-run.ts';
import { actLine, withTime } from './demo-screens.ts';
import type { Stage } from './demo-stage.ts';

const sums = sqlFor('duckdb')`select format('{} groups, {} flights, {} late, {} minutes, {} at worst, {} days, {} airports, {} without a name', count(*), sum(flights), sum(late), sum(delay_min), max(worst_min), count(distinct day), count(distinct origin), count(*) filter (where airport is null)) as said`;

/** The keyed digest of the published numbers, computed by the demo and not by the run. */
const digest = sqlFor('duckdb')`select ${rowDigest('duckdb', delayColumns.map(({ name, kind }) => ({ name, type: { kind } })), digestKey)}`;

/** Steps that group and join: the warehouse groups, and only the groups travel to where the airports are. */
export async function delaysAct({ session, databases, projectDir }: Stage): Promise<{ act: Act; checks: DemoCheck[] }> {
  const { output } = session;
  output.show(actLine(output.paint, { number: 3, of: 4, say: 'Per day and departure airport: flights, late ones, total and worst delay, with name and state.' }));
  const act = await runAct(session, 'daily_delays');
  const begun = performance.now();
  const file = `${projectDir}/lake/daily_delays.parquet`;
  const isGreen = act.run.state === 'succeeded';
  const said = isGreen ? (await askParquet(databases, file, sums))['said'] : 'no file';
  const { n, a, b } = isGreen ? await askParquet(databases, file, digest) : {};
  output.show([withTime(`   check   sum of flights in the file: ${grouped(delays.grouped)}, nothing lost in the grouping; digest of the published numbers`, performance.now() - begun)]);
  const { receipt } = act.run;
  return { act, checks: [...receiptChecks('daily_delays', act.run, delays), checkEqual('daily_delays: grouped', delays.grouped, receipt?.grouped), ...joinChecks(receipt?.combined?.[0]),
    checkEqual('daily_delays.parquet: sums', delays.sums, String(said)), checkEqual('daily_delays.parquet: digest of the published numbers', delays.digest, `${n}:${a}:${b}`)] };
}
const joinChecks = (joined: NonNullable<Receipt['combined']>[number] | undefined): DemoCheck[] => Object.entries(delays.joined).map(([name, expected]) => checkEqual(`daily_delays, join: ${name}`, expected, joined?.[name as keyof typeof joined]));
