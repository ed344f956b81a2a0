// `npm run proof -- airflow`: a real Airflow imports, runs and keeps what we render: against a scripted API, then against the real system.
// usage: node tools/proof/airflow.mjs [--only scripted] [--api URL --token T --dag FILE --dag-id ID]     without --api the real system is started here
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { cache } from '../install.mjs';
import { installAirflow } from '../provision/airflow/install.mjs';
import { apiConnection, startAirflow } from '../provision/airflow/airflow.mjs';
import { freePort } from '../provision/free-port.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { startDouble } from './airflow/api-double.mjs';
import { Checks } from './airflow/checks.mjs';
import { DagRun, ParseCount } from './airflow/dag-runs.mjs';
import { importMany } from './airflow/import-many.mjs';
import { startRealSystem } from './airflow/real-system.mjs';
import { dagIdOf, hostile, scenarios, scriptOf, writeScenarios } from './airflow/scenarios.mjs';

const { values: given } = parseArgs({ options: { only: { type: 'string' }, api: { type: 'string' }, token: { type: 'string' }, dag: { type: 'string' }, 'dag-id': { type: 'string' } } });
const checks = new Checks();
const work = join(cache, 'airflow', 'proof');
const dags = join(work, 'dags');
const stops = [];
const parsesWanted = 10;

/** A check that cannot fail proves nothing: a broken file must be reported, and be forgotten when it is gone. */
async function brokenFileIsReported(airflow) {
  const broken = join(dags, 'broken.py');
  writeFileSync(broken, '# airflow dag\nfrom airflow.sdk import NoSuchName\n');
  const errors = await airflow.until('the report of a broken file', 90, async () => {
    const { import_errors: list } = await airflow.call('GET', '/api/v2/importErrors');
    return list.length > 0 && list;
  });
  checks.equal('a broken file is reported as an import error', errors.map(({ filename, stack_trace: trace }) => [filename, trace.includes('NoSuchName')]), [['broken.py', true]]);
  rmSync(broken);
}

async function filesAreImported(airflow, dagIds, rendered) {
  const found = await airflow.until('the import of every file', 120, async () => {
    const { dags: list } = await airflow.call('GET', '/api/v2/dags?limit=100');
    const { total_entries: errors } = await airflow.call('GET', '/api/v2/importErrors');
    return errors === 0 && dagIds.every((id) => list.some((dag) => dag.dag_id === id)) && list;
  });
  checks.equal('every file is a DAG, without import error', found.map((dag) => dag.dag_id).filter((id) => id !== 'broken').sort(), [...dagIds].sort());
  checks.equal('new DAGs start paused', found.every((dag) => dag.is_paused), true);
  const told = found.find((dag) => dag.dag_id === dagIdOf(scenarios[0]));
  checks.equal('hostile text arrives as it was written', [told.description, told.owners], [hostile, [rendered[0].spec.dag.owner]]);
  const { assets } = await airflow.call('GET', '/api/v2/assets?limit=100');
  const meant = [...new Set(rendered.flatMap(({ spec }) => spec.tasks.flatMap(({ reads, writes }) => [...reads, ...writes].map(([, uri]) => uri))))].sort();
  checks.equal('Airflow keeps asset addresses as we wrote them', meant.filter((uri) => !assets.some((asset) => asset.uri === uri)), []);
}

async function follow(airflow, scenario) {
  const run = new DagRun(airflow, dagIdOf(scenario), 'proof-1');
  if (scenario.clear) {
    const first = await run.end(240);
    checks.equal(`${run.dagId} is red first, and its receipt never green`, [first.state, (await run.states()).receipt], ['failed', 'upstream_failed']);
    await run.clear(scenario.clear);
  }
  const { state } = await run.end(300);
  checks.equal(`${run.dagId} ends ${scenario.want[0]}`, [state, await run.states()], scenario.want);
  if (state === 'success') checks.equal(`${run.dagId} says its receipt`, await run.xcom('receipt'), { attempt: 1, receipt: 'r-1' });
  checks.say('    ', await run.timing());
}

function scriptedCalls(double) {
  const of = (name) => double.calls.filter((call) => call.dag_id === `proof-${name}`);
  checks.equal('every call carried the token and the shape of our API', double.calls.filter(({ odd }) => odd), []);
  checks.equal('a busy API was asked again', of('busy').filter(({ word }) => word !== 'succeeded').map(({ word }) => word), ['busy', 'busy', 'drop', 'running']);
  const cleared = of('clear').filter(({ task }) => task === 'publish_flights').map((call) => call.max_tries);
  checks.equal('clearing a task raises max_tries, which is how we know it', cleared.at(-1) > cleared[0], true);
}

async function receiptOf(run, system) {
  const { receipt } = await run.xcom('receipt');
  const response = await fetch(`${system.api}/v1/runs/${receipt}/receipt`, { headers: { authorization: `Bearer ${system.token}` } });
  const body = await response.json();
  checks.equal(`the receipt of ${run.dagId} exists and says that source and target are equal`, [response.status, body.reconciled, body.read === body.written, body.read > 0], [200, true, true, true]);
  checks.say('    ', `receipt of run ${receipt}: read ${body.read}, published ${body.published}, ${body.sourceDigest}`);
  return receipt;
}
const greenStates = async (run, seconds) => [(await run.end(seconds)).state, [...new Set(Object.values(await run.states()))]];

async function realRun(airflow, system) {
  const run = new DagRun(airflow, system.dagId, 'proof-real');
  checks.equal(`${run.dagId} is green against the real system`, await greenStates(run, 300), ['success', ['success']]);
  checks.say('    ', await run.timing());
  const first = await receiptOf(run, system);
  if (!system.verify) return;
  for (const [name, got, want] of await system.verify()) checks.equal(name, got, want);
  await run.clear((await run.tasks()).map(({ task_id: id }) => id).find((id) => id.startsWith('load')));
  await airflow.until(`${run.dagId} runs again`, 30, async () => (await airflow.call('GET', run.path)).state !== 'success');
  checks.equal(`${run.dagId} is green again after its first task was cleared`, await greenStates(run, 300), ['success', ['success']]);
  checks.equal('by a run of its own, with a receipt of its own', (await receiptOf(run, system)) !== first, true);
  for (const [name, got, want] of await system.verify()) checks.equal(`${name}, once`, got, want);
}

/** Versions count from here: before a first run Airflow overwrites a version in place. */
async function oneVersionEach(airflow, parses, dagIds) {
  await airflow.until(`${parsesWanted} parses of every file`, 240, async () => (await parses.look()) >= parsesWanted);
  for (const id of dagIds) checks.equal(`${id} has one version after ${parsesWanted} parses and a run`, await new DagRun(airflow, id, 'proof-1').versions(), 1);
}

async function realSystem(postgres) {
  if (given.only === 'scripted') return null;
  if (given.api) {
    copyFileSync(given.dag, join(dags, basename(given.dag)));
    return { api: given.api, token: given.token, dag: given.dag, dagId: given['dag-id'] };
  }
  const { start, stop } = startRealSystem({ folder: join(work, 'project'), postgres, dags });
  stops.push(stop);
  const system = await start();
  checks.equal('the system published its DAG into the folder of the scheduler, whole', [dirname(system.dag), readFileSync(system.dag, 'utf8')], [dags, system.text]);
  return system;
}

async function prove(venv) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(dags, { recursive: true });
  const many = importMany({ venv, folder: join(work, 'many'), count: 300 });
  checks.equal('300 files with hostile text in every field import, and every value comes back as it was meant', [many.count, many.wrong], [300, []]);
  const metadata = await startPostgres({ settings: { max_connections: 100 } });
  stops.push(metadata.stop);
  const token = 'scripted-token';
  const double = await startDouble({ port: await freePort(), token, script: scriptOf() });
  stops.push(double.stop);
  const rendered = writeScenarios(dags, 'agent_etl_double');
  const system = await realSystem(metadata);
  checks.say(`${rendered.length} files rendered${system ? `, and ${system.dagId} by the real system` : ''}`);
  const connections = { agent_etl_double: apiConnection(double.url, token), ...(system ? { agent_etl: apiConnection(system.api, system.token) } : {}) };
  const airflow = await startAirflow({ venv, work: join(work, 'home'), dags, database: metadata.url, port: await freePort(), connections });
  stops.push(airflow.stop);
  checks.say(`Airflow ${airflow.version} runs:`, airflow.memory());
  const dagIds = [...scenarios.map(dagIdOf), ...(system ? [system.dagId] : [])];
  await brokenFileIsReported(airflow);
  await filesAreImported(airflow, dagIds, rendered);
  for (const scenario of scenarios) await new DagRun(airflow, dagIdOf(scenario), 'proof-1').start();
  if (system) await new DagRun(airflow, system.dagId, 'proof-real').start();
  await sleep(5000);
  const parses = new ParseCount(airflow, dagIds).start();
  stops.push(async () => parses.stop());
  await Promise.all([...scenarios.map((scenario) => follow(airflow, scenario)), ...(system ? [realRun(airflow, system)] : [])]);
  scriptedCalls(double);
  checks.say('memory:', airflow.memory());
  await oneVersionEach(airflow, parses, dagIds);
}

let venv;
try {
  venv = installAirflow(cache);
  checks.say('Airflow is installed in', venv);
} catch (error) {
  process.stdout.write(`SKIPPED airflow: ${error.message}\n`);
  process.exit(75);
}
const stopAll = async () => { while (stops.length) await stops.pop()().catch((error) => checks.fail(`stop: ${error.message}`)); };
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { stopAll().finally(() => process.exit(130)); });
try {
  await prove(venv);
} catch (error) {
  checks.fail(error.message);
} finally {
  await stopAll();
}
process.stdout.write(checks.wrong.length ? `NOT PROVEN: ${checks.wrong.length} wrong\n` : 'PROVEN\n');
process.exit(checks.wrong.length ? 1 : 0);
