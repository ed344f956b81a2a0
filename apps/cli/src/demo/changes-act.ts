import { grouped } from '../screens/numbers.ts';
import { letBatchTwoArrive } from './demo-batch.ts';
import { type DemoCheck, checkEqual, receiptChecks } from './demo-checks.ts';
import { warehouseDigest, withDatabase } from './demo-database.ts';
import { batchTwo, changed, corrections, unchanged } from './demo-numbers.ts';
import { type Act, runAct } from './demo-run.ts';
import { actLine, withTime } from './demo-screens.ts';
import type { Stage } from './demo-stage.ts';

/** The pipeline of the first copy once more, after its source has gone on, and then over a source that has not. */
export async function changesAct({ session, databases }: Stage): Promise<{ acts: Act[]; checks: DemoCheck[] }> {
  const { output } = session;
  output.show(actLine(output.paint, { number: 4, of: 4, say: 'Bring the warehouse up to date.' }));
  await withDatabase(databases.adminUrl, 'ops', letBatchTwoArrive);
  output.show([`   ops     overnight ${grouped(batchTwo.rows)} flights arrived, ${batchTwo.late} of them late, and ${corrections.length} were corrected`]);
  const update = await runAct(session, 'flights_to_warehouse');
  const isGreen = update.run.state === 'succeeded';
  const begun = performance.now();
  output.progress(' computing the published digest of mart.flights ...');
  const digest = isGreen ? await warehouseDigest(databases) : 'no run';
  output.show([withTime(`   check   mart.flights = the published file, ${grouped(changed.rows)} rows, one digest`, performance.now() - begun), '', '   again, and nothing has changed since']);
  const again = await runAct(session, 'flights_to_warehouse', 'run only');
  const reading = performance.now();
  const after = again.run.state === 'succeeded' ? await warehouseDigest(databases) : 'no run';
  output.show([withTime('   check   mart.flights is as it was, the same digest', performance.now() - reading)]);
  const checks = [
    ...receiptChecks('flights_to_warehouse, changes', update.run, changed), ...mergeChecks(update), checkEqual('mart.flights, changes: digest of the published file', changed.digest, digest),
    ...receiptChecks('flights_to_warehouse, no changes', again.run, unchanged), checkEqual('mart.flights, no changes: digest of the published file', changed.digest, after),
  ];
  return { acts: [update, again], checks };
}
function mergeChecks({ plan, run }: Act): DemoCheck[] {
  const merged = run.tasks.flatMap(({ result }) => (result?.kind === 'publish' ? [result] : []))[0];
  const strategy = plan.decisions.find(({ question }) => question === 'strategy');
  return [checkEqual('flights_to_warehouse, changes: new', changed.inserted, merged?.inserted), checkEqual('flights_to_warehouse, changes: corrected', changed.updated, merged?.updated),
    checkEqual('flights_to_warehouse, changes: strategy', 'incremental by (updated_at, flight_id)', strategy?.choice)];
}
