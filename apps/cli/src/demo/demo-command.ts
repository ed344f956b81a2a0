import { mkdir } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { grouped } from '../screens/numbers.ts';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import { Session } from '../session/session.ts';
import { changesAct } from './changes-act.ts';
import { delaysAct } from './delays-act.ts';
import { type DemoCheck, checkEqual, receiptChecks } from './demo-checks.ts';
import { warehouseDigest } from './demo-database.ts';
import { demoFiles } from './demo-files.ts';
import { filmsAct } from './films-act.ts';
import { airportsFile, flights } from './demo-numbers.ts';
import { type Act, runAct } from './demo-run.ts';
import { actLine, endLines, failedChecks, headLine, withTime } from './demo-screens.ts';
import { type Stage, endStandalone, prepareStage } from './demo-stage.ts';
import { killAct } from './kill-act.ts';

export interface DemoOptions { readonly exit?: boolean; readonly kill?: boolean; readonly dir?: string; readonly json?: boolean; readonly events?: boolean; readonly quiet?: boolean; readonly color?: boolean }
/** The copies of the demo, and what must hold of them. */
async function playCopies(stage: Stage): Promise<{ acts: Act[]; checks: DemoCheck[] }> {
  const { session, databases } = stage;
  const { output } = session;
  output.show(actLine(output.paint, { number: 1, of: 4, say: 'Copy the flights table from ops into the warehouse as mart.flights.' }));
  const copy = await runAct(session, 'flights_to_warehouse');
  const checks = receiptChecks('flights_to_warehouse', copy.run, flights);
  output.progress(' computing the published digest of mart.flights ...');
  const begun = performance.now();
  const digest = copy.run.state === 'succeeded' ? await warehouseDigest(databases) : 'no table';
  checks.push(checkEqual('mart.flights: digest of the published file', flights.digest, digest));
  output.show([withTime(`   check   mart.flights = the published file, ${grouped(flights.written)} rows, one digest`, performance.now() - begun)]);
  const films = await filmsAct(stage);
  const delays = await delaysAct(stage);
  const changes = await changesAct(stage);
  return { acts: [copy, films.act, delays.act, ...changes.acts], checks: [...checks, ...films.checks, ...delays.checks, ...changes.checks] };
}
const untilInterrupted = (): Promise<void> => new Promise((done) => { for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { done(); }); });

/** The product on real data. Green only when every number is the expected one. */
export async function demoCommand(given: Session, options: DemoOptions): Promise<ExitCode> {
  const begun = performance.now();
  const projectDir = resolve(given.cwd, options.dir ?? '.demo');
  await mkdir(projectDir, { recursive: true });
  const session = new Session({ ...options, project: projectDir }, { cwd: given.cwd, env: given.env });
  const { output } = session;
  output.show(headLine(output.paint));
  const stage = await prepareStage(session, options.kill ? 'kill' : undefined);
  try {
    const { acts, checks } = await (options.kill ? killAct(stage) : playCopies(stage));
    checks.push(checkEqual('ops.airports: rows', airportsFile.rows, stage.loaded.airports), checkEqual('ops.flights: rows', flights.read, stage.loaded.flights));
    const ok = checks.every((check) => check.ok);
    const seconds = (performance.now() - begun) / 1000;
    const stays = !options.exit && process.stdout.isTTY && !output.wantsJson ? 'stays' : 'ends';
    const { flights: file, airports, movies } = await demoFiles();
    const data = [file, airports, movies].map(({ file: name, sha256, rows }) => ({ file: name, sha256, rows }));
    const document = { ok, seconds, dashboard: stage.url, data, runs: acts.map(({ pipeline, plan, run }) => ({ pipeline, plan, run })), checks, dags: [...new Set(acts.map(({ dag }) => dag))] };
    const dashboard = `${stage.url}/?token=${encodeURIComponent((await session.standalone())?.token ?? '')}`;
    output.result(document, () => [...failedChecks(checks, output.paint),
      ...endLines({ seconds, ok, dags: document.dags, result: options.kill ? 'warehouse mart.flights' : `${projectDir}/lake/daily_delays.parquet`, dashboard: stays === 'stays' ? dashboard : stage.url, stays, checks: checks.length, pipeline: options.kill ? 'flights_again' : 'flights_to_warehouse', folder: relative(given.cwd, projectDir) || '.' }, output.paint)]);
    if (stays === 'stays') await untilInterrupted();
    return ok ? exitCodes.green : exitCodes.failed;
  } finally {
    await endStandalone(stage.pid);
  }
}
