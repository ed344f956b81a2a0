import { type Issue, type LoadTask, Plan, type Policy, type PublishTask, type RiskClass, type Verdict, evolutionsOf, isBinary, issuesOf, judgingChecks } from '@agent-etl/contracts';
import { scheduleIssues } from '@agent-etl/scheduling';
import { relationParts } from '@agent-etl/sql-safety';
import { isEmpty, sameNames } from './decide.ts';
import { policyIssues } from './verify-personal-data.ts';
import { qualityIssues } from './verify-quality.ts';
import { vanishedIssues } from './verify-vanished.ts';
import { judgesAsAsked, judgingProblems } from './rules/checks.ts';
import { combinationIssues } from './verify-combinations.ts';
import { partitionIssues } from './rules/partitions.ts';
import { cursorIssues } from './verify-cursor.ts';
import { topologicalOrder } from './topology.ts';

const issue = (code: string, path: string, text: string): Issue => ({ code, path, text });
const same = (a: { connection: string; dataset: string }, b: { connection: string; dataset: string }): boolean => a.connection === b.connection && a.dataset === b.dataset;
const most = { parallel: 4, chunks: 4097, planBytes: 480 * 1024 };

/** Checks a plan again from scratch, whoever made it: what runs has passed here. A plan with one issue cannot be approved. */
export function verifyPlan(plan: Plan, policy: Policy): Verdict {
  const parsed = Plan.safeParse(plan);
  if (!parsed.success) return { ok: false, issues: issuesOf(parsed.error) };
  const loads = plan.tasks.filter((task) => task.kind === 'load');
  const publishes = plan.tasks.filter((task) => task.kind === 'publish');
  const issues = [
    ...graphIssues(plan, loads, publishes), ...loads.flatMap((load) => loadIssues(plan, load)), ...publishes.flatMap((publish) => publishIssues(plan, publish, loads)),
    ...publishes.flatMap((publish) => loads.filter(({ id }) => id === publish.load).flatMap((load) => [...cursorIssues(plan, load, publish), ...combinationIssues(plan, load, publish)])),
    ...nameIssues(plan), ...judgingIssues(plan, loads), ...riskIssues(plan, policy), ...slotIssues(plan, publishes), ...decisionIssues(plan), ...policyIssues(plan, policy), ...qualityIssues(plan, loads), ...partitionIssues(plan)];
  return { ok: issues.length === 0, issues };
}

function graphIssues({ tasks, edges }: Plan, loads: readonly LoadTask[], publishes: readonly PublishTask[]): Issue[] {
  const ids = tasks.map(({ id }) => id);
  const found: Issue[] = [];
  if (new Set(ids).size !== ids.length) found.push(issue('graph.twin', '/tasks', 'Two tasks have one id.'));
  const order = topologicalOrder(ids, edges);
  if (!order) found.push(issue('graph.cycle', '/edges', 'The graph has a cycle, or an edge to a task that is not there.'));
  else if (edges.some(([before, after]) => ids.indexOf(before) > ids.indexOf(after))) found.push(issue('graph.order', '/tasks', 'Tasks are not in topological order.'));
  if (!loads.length) found.push(issue('graph.no-load', '/tasks', 'There is no load.'));
  for (const [index, load] of loads.entries()) {
    if (loads.slice(0, index).some((other) => same(other.target, load.target))) found.push(issue('graph.two-loads', `/tasks/${load.id}`, 'Two loads write one target.'));
    if (publishes.filter((publish) => publish.load === load.id).length !== 1) found.push(issue('graph.unpublished', `/tasks/${load.id}`, 'A load needs exactly one publish.'));
  }
  for (const { id, load } of publishes) if (!edges.some(([before, after]) => before === load && after === id)) found.push(issue('graph.edge', `/tasks/${id}`, 'A publish must come after its load.'));
  return found;
}

function loadIssues({ profiles, pipeline }: Plan, { id, columns, source, target, chunks, carrier, digest, sourceFingerprint }: LoadTask): Issue[] {
  const path = `/tasks/${id}`;
  const found: Issue[] = [];
  if (same(source, target)) found.push(issue('target.is-source', path, 'Source and target are one dataset.'));
  if (!same(source, pipeline.from) || !same(target, pipeline.to)) found.push(issue('request.other-dataset', path, 'The task is about other datasets than the request.'));
  if (sourceFingerprint !== profiles.source.fingerprint) found.push(issue('profile.other-shape', path, 'The task rests on another profile of the source.'));
  for (const column of columns) {
    const there = profiles.source.columns.find(({ name }) => name === column.source);
    if (!there) found.push(issue('column.missing', `${path}/columns/${column.source}`, `The source has no column ${column.source}.`));
    else if (there.native !== column.sourceNative) found.push(issue('column.type', `${path}/columns/${column.source}`, `${column.source} is ${there.native}, not ${column.sourceNative}.`));
    if (!column.targetNative) found.push(issue('column.unmapped', `${path}/columns/${column.source}`, `${column.source} has no type at the target.`));
  }
  if (new Set(columns.map(({ target: name }) => name)).size !== columns.length) found.push(issue('column.twin', `${path}/columns`, 'Two columns go into one.'));
  const frames = carrier === 'frames';
  const isFromFile = profiles.source.connector === 'file' && profiles.target.connector === 'postgres';
  const bothPostgres = profiles.source.connector === 'postgres' && profiles.target.connector === 'postgres';
  const fits = bothPostgres ? columns.every(({ sourceNative, targetNative }) => sourceNative === targetNative) : isFromFile && isBinary(columns);
  if (frames && !fits) found.push(issue('carrier.frames', path, 'Binary frames need two PostgreSQL ends and equal types, or a file and types that have a binary form.'));
  if ((frames && !isFromFile) !== (digest === 'pg-frame')) found.push(issue('digest.kind', path, `A carrier of ${carrier} is not hashed as ${digest}.`));
  if (chunks.parallel > most.parallel || (chunks.by !== 'cursor' && chunks.parallel > chunks.count)) found.push(issue('chunks.parallel', path, `${chunks.parallel} pieces at once are too many.`));
  if (chunks.count > most.chunks || (chunks.by === 'whole' && chunks.count !== 1)) found.push(issue('chunks.count', path, `${chunks.count} pieces do not fit ${chunks.by}.`));
  if (chunks.by === 'key' && profiles.source.range === undefined) found.push(issue('chunks.range', path, 'The source has no key that ranges can be cut of.'));
  if (chunks.by === 'ctid' && profiles.source.pages === null) found.push(issue('chunks.order', path, 'The source has no physical order.'));
  return found;
}

function judgingIssues({ pipeline, profiles, decisions }: Plan, loads: readonly LoadTask[]): Issue[] {
  const isAsked = judgingChecks(pipeline.checks).length > 0 || typeof pipeline.onFail === 'object';
  return loads.flatMap(({ id, judging, columns, carrier, chunks }) => {
    const path = `/tasks/${id}/judging`;
    if (!judging) return isAsked ? [issue('check.missing', path, 'Nothing judges the rows, and the request asks for it.')] : [];
    const found = judgingProblems(judging, columns, profiles.target.connector).map((text) => issue('check.invalid', path, `${text}.`));
    if (judging.pipeline !== pipeline.name) found.push(issue('check.other', path, 'The rows are those of another pipeline.'));
    if ((judging.bad === 'aside') !== (typeof pipeline.onFail === 'object')) found.push(issue('check.other', path, 'What becomes of bad rows is not what was asked for.'));
    if (carrier !== 'text') found.push(issue('check.carrier', path, `A carrier of ${carrier} has no place for what is said of a row.`));
    if (chunks.by !== 'whole' && judging.checks.some(({ check }) => check === 'unique')) found.push(issue('check.pieces', path, 'What has to be unique is judged in one piece.'));
    if (!decisions.some(({ question }) => question === 'bad rows')) found.push(issue('decision.missing', '/decisions', 'Nothing says what becomes of bad rows.'));
    if (!found.length && !judgesAsAsked(judging, pipeline, columns)) found.push(issue('check.other', path, 'The checks, or how many rows may be set aside, are not those that were asked for.'));
    return found;
  });
}

const waysOf: Record<Plan['target']['load'], readonly PublishTask['how'][]> = { append: ['rename', 'append', 'file'], replace: ['rename', 'swap', 'truncate-insert', 'file'], upsert: ['rename', 'upsert'], merge: ['rename', 'merge'], scd2: ['scd2'] };

function publishIssues(plan: Plan, publish: PublishTask, loads: readonly LoadTask[]): Issue[] {
  const path = `/tasks/${publish.id}`;
  const { profiles: { target }, target: { load: mode, key } } = plan;
  const found: Issue[] = [];
  const load = loads.find(({ id }) => id === publish.load);
  if (!load) found.push(issue('publish.no-load', path, `There is no load ${publish.load}.`));
  else if (!same(load.target, publish.target) || !same(load.source, publish.source) || JSON.stringify(load.columns) !== JSON.stringify(publish.columns) || load.digest !== publish.digest || (publish.level !== 'counts' && (load.level ?? 'full') !== publish.level) || JSON.stringify(load.sample) !== JSON.stringify(publish.sample)) {
    found.push(issue('publish.other-load', path, 'The publish does not say what its load says.'));
  }
  if (!waysOf[mode].includes(publish.how)) found.push(issue('publish.way', path, `A load by ${mode} is not published by ${publish.how}.`));
  if (publish.how === 'rename' && target.exists) found.push(issue('publish.exists', path, 'The target exists: a rename has no place for it.'));
  const comesLater = ['swap', 'truncate-insert', 'upsert', 'merge'].includes(publish.how) && (plan.driver === 'airflow' || plan.schedule !== null); // its first run finds no target, the others do
  if (['swap', 'truncate-insert', 'append', 'upsert', 'merge'].includes(publish.how) && !target.exists && !comesLater) found.push(issue('publish.missing', path, `There is no target for ${publish.how}.`));
  if ((publish.how === 'file') !== (target.connector === 'file')) found.push(issue('publish.file', path, `A ${target.connector} target is not published by ${publish.how}.`));
  if (publish.how === 'swap' && Object.values(target.dependents).some((count) => count > 0)) found.push(issue('publish.dependents', path, 'A swap would cut off what hangs on the table.'));
  found.push(...vanishedIssues(plan, publish));
  if (['upsert', 'merge', 'scd2'].includes(mode) && !(key?.length && publish.key && sameNames(key, publish.key))) found.push(issue('key.none', path, `A load by ${mode} needs its key.`));
  found.push(...evolveIssues(plan, publish));
  for (const name of publish.key ?? []) {
    const column = publish.columns.find((each) => each.target === name);
    if (!column) found.push(issue('key.column', path, `The key column ${name} does not travel.`));
    else if (column.nullable && target.exists) found.push(issue('key.nullable', path, `The key column ${name} may be NULL at the target.`));
    else if (column.nullable && publish.keyFromSource) found.push(issue('key.nullable', path, `The key column ${name} may be NULL at the source.`));
  }
  return found;
}

/** The shape of a target changes only as the pipeline lets it: a column comes that is not there, or one gets another type that it has not. */
function evolveIssues({ pipeline, profiles: { target } }: Plan, { id, evolve = [] }: PublishTask): Issue[] {
  const path = `/tasks/${id}/evolve`;
  return evolve.flatMap((change): Issue[] => {
    const there = target.columns.find(({ name }) => name === change.column);
    const fits = change.change === 'add' ? !there : there?.native === change.from;
    return [
      ...(evolutionsOf(pipeline.onDrift).includes(change.change) ? [] : [issue('evolve.unasked', path, `The pipeline does not let ${change.column} be changed.`)]),
      ...(fits && target.exists && target.connector !== 'file' ? [] : [issue('evolve.other', path, `${change.column} of the target is not what the change is about.`)])];
  });
}

const encoder = new TextEncoder();
function nameIssues({ pipeline: { to }, profiles: { target }, tasks }: Plan): Issue[] {
  const columns = tasks[0]?.columns.map(({ target: name }) => name) ?? [];
  if (target.connector === 'file') return twinIssues(columns, 'files');
  if (target.connector === 'sqlite') return [...twinIssues(columns, 'SQLite'), ...lengthIssues([to.dataset, ...columns]), ...reservedIssues(to.dataset, /^(main\.)?(sqlite_|_etl_)/i)];
  if (target.connector === 'mysql') return [...twinIssues(columns, 'MySQL'), ...lengthIssues([...to.dataset.split('.').map((part) => part.replaceAll('"', '')), ...columns]), ...reservedIssues(to.dataset, /(^|\.)"?_etl_|^"?(mysql|sys|information_schema|performance_schema)"?\./i)];
  const relation = relationParts(to.dataset);
  if (!relation) return [issue('name.parts', '/pipeline/to/dataset', `${to.dataset} is not schema.table.`)];
  const { schema, table } = relation;
  return [...lengthIssues([schema, table, ...columns]), ...reservedIssues(schema, /^(_etl$|information_schema$|pg_)/)];
}
function twinIssues(columns: readonly string[], where: string): Issue[] {
  const lower = columns.map((name) => name.toLowerCase());
  const twin = columns.find((_, index) => lower.indexOf(lower[index]!) !== index);
  return twin === undefined ? [] : [issue('name.twin', '/columns', `Two columns are called ${twin} when case does not count, as in ${where}.`)];
}
const lengthIssues = (names: readonly string[]): Issue[] => names.filter((name) => !name || encoder.encode(name).length > 63)
  .map((name) => issue('name.length', `/names/${name.slice(0, 80)}`, `A name has 1 to 63 bytes; ${name.slice(0, 80)} has ${encoder.encode(name).length}.`));
const reservedIssues = (name: string, ours: RegExp): Issue[] => (ours.test(name) ? [issue('name.reserved', '/pipeline/to/dataset', `Nothing is written into ${name}.`)] : []);

const order: readonly RiskClass[] = ['R0', 'R1', 'R2', 'R3'];
function riskIssues({ risk, tasks, profiles: { target } }: Plan, policy: Policy): Issue[] {
  const overwrites = tasks.some((task) => task.kind === 'publish' && (['swap', 'truncate-insert', 'merge'].includes(task.how) || (task.how === 'file' && target.exists))) && !isEmpty(target);
  const alters = tasks.some((task) => task.kind === 'publish' && task.evolve?.some(({ change }) => change === 'widen'));
  const least: RiskClass = overwrites || alters ? 'R2' : 'R1';
  const found = order.indexOf(risk) < order.indexOf(least) ? [issue('risk.class', '/risk', `This is ${least}, not ${risk}.`)] : [];
  if (policy.approve?.second) found.push(issue('policy.second', '/policy', 'A second approver is not supported in this release.'));
  return found;
}

/** A schedule of our own runs one plan again and again: it must come at all, and each run must find a place for its rows. */
function slotIssues({ schedule, driver, pipeline }: Plan, publishes: readonly PublishTask[]): Issue[] {
  if (JSON.stringify(schedule) !== JSON.stringify(pipeline.schedule ?? null)) return [issue('schedule.other', '/schedule', 'The schedule is not the one that was asked for.')];
  if (!schedule || driver === 'airflow') return [];
  const once = publishes.filter(({ how }) => how === 'rename' || how === 'append');
  return [...scheduleIssues(schedule, '/schedule'), ...once.map(({ id, how }) => issue('schedule.once', `/tasks/${id}`, `A publish by ${how} works once; a schedule runs it again.`))];
}

function decisionIssues(plan: Plan): Issue[] {
  const ofSchedule = plan.schedule && plan.driver === 'workers' ? ['schedule'] as const : [];
  const needed = ['movement', 'columns', 'types', 'key', 'strategy', 'chunks', 'parallelism', 'load', 'publish', 'gates', 'proof', 'engine', ...ofSchedule] as const;
  const missing = needed.filter((question) => !plan.decisions.some((decision) => decision.question === question));
  const large = encoder.encode(JSON.stringify(plan)).length;
  return [...missing.map((question) => issue('decision.missing', '/decisions', `Nothing says why ${question} is as it is.`)),
    ...(large > most.planBytes ? [issue('plan.size', '/', `The plan has ${large} bytes; ${most.planBytes} fit into a message.`)] : [])];
}
