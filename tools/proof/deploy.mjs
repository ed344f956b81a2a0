// The Helm chart: every manifest of three sets of values is valid and restricted, mistakes in values are refused by name, nothing reaches more than it says, and planted faults are seen.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { cache, root } from '../install.mjs';
import { provisionLinters } from '../provision/guards/linters.mjs';
import { provisionHelm } from '../provision/helm/helm.mjs';
import { provisionOperatorSchemas } from '../provision/helm/operators.mjs';
import { startMoto } from '../provision/moto/moto.mjs';
import { UNABLE } from '../tally.mjs';
import { gitMirror, objectMirror } from './deploy/mirror.mjs';
import { mistakes } from './deploy/mistakes.mjs';
import { networkFaults } from './deploy/network.mjs';
import { collisions, hookOrder, looseEnds } from './deploy/releases.mjs';
import { breachesOf } from './deploy/restricted.mjs';
import { commandsOf } from './pages.mjs';

const KUBERNETES = '1.33';
const chart = join(root, 'deploy', 'helm', 'agent-etl');
let tools;
try { tools = { ...provisionHelm(cache), ...provisionLinters(cache), operators: provisionOperatorSchemas(cache) }; } catch (error) { process.stdout.write(`  ${error.message}\n`); process.exit(UNABLE); }
const work = mkdtempSync(join(tmpdir(), 'etl-chart-'));
let wrong = 0;
const check = (isSo, text) => { if (!isSo) wrong += 1; process.stdout.write(`  ${isSo ? 'ok  ' : 'NOT SO'} ${text}\n`); };
const helm = (...args) => spawnSync(tools.helm, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
const templateAs = (release, ...args) => helm('template', release, chart, '-n', 'etl', '--kube-version', `${KUBERNETES}.0`, ...args);
const template = (...args) => templateAs('agent-etl', ...args);
const manifestsOf = (text) => parseAllDocuments(text).map((document) => document.toJSON()).filter(Boolean);
/** Kinds that Kubernetes itself has; those of operators have schemas of their own. */
const isOwn = ({ apiVersion }) => ['v1', 'apps', 'batch', 'policy', 'networking.k8s.io'].includes(apiVersion.split('/')[0]);
/** Whether the validator takes the manifests; it reads files. */
function isValid(manifests) {
  const file = join(work, 'manifests.yaml');
  writeFileSync(file, manifests.map((one) => JSON.stringify(one)).join('\n---\n'));
  const { status, stdout, stderr } = spawnSync(tools.validate, ['-k', KUBERNETES, '--strict', file], { encoding: 'utf8' });
  return { ok: status === 0, said: `${stdout}${stderr}`.trim().split('\n').at(-1) };
}
/** What is wrong with manifests of operators' kinds, in words; each is held against its operator's schema. */
function operatorFaults(manifests) {
  return manifests.flatMap((manifest, index) => {
    const schema = tools.operators[`${manifest.apiVersion} ${manifest.kind}`];
    if (!schema) return [`${manifest.apiVersion} ${manifest.kind} is a kind without a schema`];
    const file = join(work, `operator-${index}.json`);
    writeFileSync(file, JSON.stringify(manifest));
    const { status, stdout, stderr } = spawnSync(tools.checkJsonSchema, ['--schemafile', schema, file], { encoding: 'utf8' });
    return status === 0 ? [] : [`${manifest.kind} ${manifest.metadata.name}: ${(stdout + stderr).trim().split('\n').slice(1).join(' ').replaceAll(file, '').slice(0, 300)}`];
  });
}
const deployments = (manifests) => manifests.filter(({ kind }) => kind === 'Deployment');

let base = [];
for (const file of readdirSync(join(chart, 'ci'))) {
  const values = join(chart, 'ci', file);
  const { status, stdout, stderr } = template('-f', values);
  check(status === 0, `${file} templates ${status === 0 ? '' : stderr.trim()}`);
  const manifests = manifestsOf(stdout);
  if (file === 'default.yaml') base = manifests;
  const { ok, said } = isValid(manifests.filter(isOwn));
  check(ok, `${file}: ${manifests.filter(isOwn).length} of ${manifests.length} manifests are kinds of Kubernetes ${KUBERNETES}, all valid${ok ? '' : `: ${said}`}`);
  const foreign = manifests.filter((one) => !isOwn(one));
  const unknownThere = operatorFaults(foreign);
  if (foreign.length) check(unknownThere.length === 0, `${file}: ${foreign.length} manifests are kinds of operators, all valid by their operators' schemas${unknownThere.length ? `: ${unknownThere.join('; ')}` : ''}`);
  const breaches = manifests.flatMap(breachesOf);
  check(breaches.length === 0, `${file}: every pod is restricted${breaches.length ? `: ${breaches.join('; ')}` : ''}`);
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels['app.kubernetes.io/component'] ?? 'all');
  const pods = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'Job' || kind === 'Pod').map(({ metadata }) => metadata.labels['app.kubernetes.io/component']);
  check(['all', ...pods].every((pod) => policies.includes(pod)), `${file}: default deny, and a policy for each of ${pods.join(', ')}`);
}
const { status: linted } = helm('lint', chart, '-f', join(chart, 'ci', 'default.yaml'));
check(linted === 0, 'helm lint has nothing to say');

// Each must be refused before anything is sent to a cluster, in words that name it.
for (const [what, [set, named]] of Object.entries(mistakes)) {
  const { status, stderr } = template('-f', join(chart, 'ci', 'default.yaml'), '--set', set);
  check(status !== 0 && stderr.includes(named), `refused: ${what}${status === 0 ? ': it was taken' : stderr.includes(named) ? '' : `: not by name: ${stderr.trim()}`}`);
}
for (const missing of ['kafka', 'postgres']) {
  const values = { kafka: { brokers: 'k:9093' }, postgres: { host: 'p' } };
  delete values[missing];
  writeFileSync(join(work, 'values.yaml'), stringify(values));
  check(template('-f', join(work, 'values.yaml')).status !== 0, `refused: no ${missing}`);
}

// Secrets: each pod has a folder with its own keys and no others'.
const keysOf = (name) => (deployments(base).find(({ metadata }) => metadata.name === `agent-etl-${name}`).spec.template.spec.volumes.find(({ projected }) => projected)?.projected.sources ?? []).flatMap(({ secret }) => secret.items.map(({ key }) => key));
for (const [name, role] of Object.entries({ orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' })) {
  const expected = ['ca.crt', `${role}.password`, 'relay.password', 'ca.crt', `${name}.username`, `${name}.password`, 'tokens.json', ...(name === 'orchestrator' ? ['ed25519.pem'] : [])];
  check(JSON.stringify([...keysOf(name)].sort()) === JSON.stringify(expected.sort()), `${name} mounts ${expected.length} keys and no others`);
}
const known = new Set([...readFileSync(join(root, 'docs', 'reference', 'environment.md'), 'utf8').matchAll(/`(ETL_[A-Z_]+)`/g)].map(([, name]) => name));
const unknown = base.flatMap(({ spec }) => spec?.template?.spec.containers ?? []).flatMap(({ env = [] }) => env.map(({ name }) => name)).filter((name) => name.startsWith('ETL_') && !known.has(name));
check(unknown.length === 0, `every setting is one that a service reads${unknown.length ? `: not ${[...new Set(unknown)].join(', ')}` : ''}`);
// A plan that reckons with other engines than the workers have goes to the wrong one.
const withSpark = manifestsOf(template('-f', join(chart, 'ci', 'default.yaml'), '--set', 'spark.url=sc://spark:15002,spark.folder=/parquet').stdout);
const toldOf = (manifests, name) => Object.fromEntries(deployments(manifests).find(({ metadata }) => metadata.name === `agent-etl-${name}`)?.spec.template.spec.containers[0].env.map((one) => [one.name, one.value]) ?? []);
const engineSettings = ['ETL_ETL_WORKER_ENGINE_MEMORY_MB', 'ETL_ENGINES_SPARK_URL'];
const isToldAlike = (manifests, names) => names.every((name) => toldOf(manifests, 'orchestrator')[name] !== undefined && toldOf(manifests, 'orchestrator')[name] === toldOf(manifests, 'etl-worker')[name]);
check(isToldAlike(base, engineSettings.slice(0, 1)) && isToldAlike(withSpark, engineSettings) && toldOf(base, 'orchestrator').ETL_ENGINES_SPARK_URL === undefined, 'the orchestrator is told of the memory of engines and of Spark what etl-worker is told');
const dialsSpark = (manifests) => manifests.filter(({ kind, spec }) => kind === 'NetworkPolicy' && JSON.stringify(spec.egress ?? []).includes('15002')).map(({ metadata }) => metadata.name).join(' ');
check(dialsSpark(base) === '' && dialsSpark(withSpark) === 'agent-etl-etl-worker', 'etl-worker alone may dial Spark, where there is one');
const alerts = readFileSync(join(chart, 'files', 'alerts.yaml'), 'utf8') + readFileSync(join(chart, 'files', 'overview.json'), 'utf8');
const documented = new Set([...readFileSync(join(root, 'docs', 'reference', 'metrics.md'), 'utf8').matchAll(/`(etl_[a-z_]+)`/g)].map(([, name]) => name));
const strange = [...alerts.matchAll(/\betl_[a-z_]+\b/g)].map(([name]) => name.replace(/_bucket$/, '')).filter((name) => !documented.has(name));
check(strange.length === 0, `every metric of alerts and dashboard is documented${strange.length ? `: not ${strange.join(', ')}` : ''}`);

// The commands of docs/kubernetes.md, as they stand there, with the values that the page gives.
const [, myValues] = /```yaml\n# my\.yaml\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs', 'kubernetes.md'), 'utf8'));
writeFileSync(join(work, 'my.yaml'), myValues);
symlinkSync(join(root, 'deploy'), join(work, 'deploy'));
for (const command of commandsOf('deploy', root)) {
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { cwd: work, encoding: 'utf8', maxBuffer: 2 ** 26, env: { ...process.env, PATH: `${join(tools.helm, '..')}:${process.env.PATH}` } });
  check(status === 0, `runs: ${command}${status === 0 ? '' : `: ${stderr.trim()}`}`);
}

// Three ways for DAG files, two releases in one namespace, and what each pod may reach.
const digest = `sha256:${'5'.repeat(64)}`;
const production = manifestsOf(template('-f', join(chart, 'ci', 'production.yaml')).stdout);
for (const [publish, target] of [['pvc', ''], ['git', 'https://git.example.com/dags.git'], ['object', 's3://bucket/dags']]) {
  const { status, stdout, stderr } = template('-f', join(chart, 'ci', 'default.yaml'), '--set', `dags.publish=${publish},dags.claim=dags,dags.target=${target},dags.mirror.image=registry.example.com/mirror@${digest},dags.mirror.existingSecret=mirror`);
  const manifests = manifestsOf(stdout);
  const writer = deployments(manifests).find(({ metadata }) => metadata.name.endsWith('dag-generator'))?.spec.template.spec;
  const mirror = deployments(manifests).find(({ metadata }) => metadata.name.endsWith('dag-mirror'));
  const isReadOnly = mirror?.spec.template.spec.containers[0].volumeMounts.find(({ name }) => name === 'dags').readOnly;
  const { ok, said } = isValid(manifests.filter(isOwn));
  check(status === 0 && ok && manifests.flatMap(breachesOf).length === 0 && writer.volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === 'dags') && (publish === 'pvc' ? mirror === undefined : isReadOnly === true),
    `DAGs by ${publish}: valid, restricted, dag-generator writes the claim${publish === 'pvc' ? '' : ', one pod reads and carries it on'}${status || !ok ? `: ${stderr}${said}` : ''}`);
}
for (const [isSo, what] of gitMirror(join(chart, 'files', 'mirror', 'git.sh'), work)) check(isSo, what);
const rclone = ['/usr/bin/rclone', '/usr/local/bin/rclone', process.env.ETL_TEST_RCLONE].filter(Boolean).find(existsSync);
if (rclone) {
  const moto = await startMoto(cache);
  try { for (const [isSo, what] of await objectMirror(join(chart, 'files', 'mirror', 'object.sh'), work, { url: moto.url, rclone })) check(isSo, what); } finally { await moto.stop(); }
} else process.stdout.write('  --   the mirror to an object store was not run: no rclone on this machine\n');

const releaseOf = (name) => manifestsOf(templateAs(name, '-f', join(chart, 'ci', 'production.yaml')).stdout);
const long = 'team-with-a-very-long-name-for-its-releases';
for (const [one, two] of [['agent-etl', 'agent-etl-b'], ['a', 'b'], [`${long}-a`, `${long}-b`]]) {
  const shared = collisions(releaseOf(one), releaseOf(two));
  check(shared.length === 0, `two releases ${one} and ${two} in one namespace share no object and select no pod of each other${shared.length ? `: ${shared.slice(0, 3).join('; ')}` : ''}`);
}
const edge = production.find(({ kind }) => kind === 'HTTPRoute').spec.rules;
const inner = edge.filter(({ matches }) => matches.some(({ path }) => ['/metrics', '/health'].includes(path.value)));
check(inner.length === 1 && inner[0].backendRefs === undefined && inner[0].matches.length === 2, 'metrics and health pages are not to be had through the gateway');
const prefixed = manifestsOf(templateAs('b', '-f', join(chart, 'ci', 'production.yaml'), '--set', 'kafka.prefix=team-b.').stdout);
const onKafka = (manifests) => manifests.flatMap((one) => (one.kind === 'Pod' ? one.spec : one.spec?.template?.spec)?.containers ?? []).map(({ env = [] }) => Object.fromEntries(env.map(({ name, value }) => [name, value]))).filter((env) => env.ETL_MESSAGING_BROKERS);
check(onKafka(prefixed).length >= 6 && onKafka(prefixed).every((env) => env.ETL_MESSAGING_PREFIX === 'team-b.') && onKafka(production).every((env) => env.ETL_MESSAGING_PREFIX === undefined), `on one Kafka cluster a prefix keeps a second release apart: all ${onKafka(prefixed).length} containers that dial it are told`);
const given = ['Secret agent-etl-postgres', 'Secret agent-etl-kafka', 'Secret agent-etl-tokens', 'Secret agent-etl-signing', 'ConfigMap agent-etl-project', 'PersistentVolumeClaim airflow-dags'];
check(looseEnds(production, given).length === 0, `each name that a manifest refers to is in the release or among what its README asks for${looseEnds(production, given).map((id) => `: not ${id}`).join('')}`);
const order = hookOrder(production);
check(order.findIndex((one) => one.startsWith('NetworkPolicy')) < order.indexOf('Job migrate') && order.indexOf('ExternalSecret secrets') < order.indexOf('Job migrate') && order.indexOf('Job migrate') < order.indexOf('Job topics'), `before an install: ${order.join(', ')}`);
const appVersion = /^appVersion: "?([^"\n]+)/m.exec(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))[1];
const contracting = manifestsOf(template('-f', join(chart, 'ci', 'default.yaml'), '--set', `migrations.contract=${appVersion}`).stdout).filter(({ metadata }) => metadata.name === 'agent-etl-migrate-contract');
check(contracting.length === 2 && contracting.every(({ metadata }) => metadata.annotations['helm.sh/hook'] === 'post-upgrade') && contracting.flatMap(breachesOf).length === 0 && isValid(contracting).ok && !production.some(({ metadata }) => metadata.name === 'agent-etl-migrate-contract'), 'what releases before needed is taken away after an upgrade, and only when asked');
const leftOn = manifestsOf(template('-f', join(chart, 'ci', 'default.yaml'), '--set', 'migrations.contract=0.0.9').stdout);
check(leftOn.length === base.length && !leftOn.some(({ metadata }) => metadata.name === 'agent-etl-migrate-contract'), 'and one that was asked for an earlier version and left in the values does nothing');
const commandNames = new Set([...readFileSync(join(root, 'libs', 'service-kit', 'src', 'service-commands.ts'), 'utf8').matchAll(/^  '?([a-z][a-z -]*)'?: \(service/gm)].map(([, name]) => name));
const noCommands = (manifests) => manifests.filter(({ kind }) => kind === 'Job').flatMap(({ metadata, spec }) => spec.template.spec.containers.map(({ args }) => args.join(' ')).filter((command) => !commandNames.has(command)).map((command) => `${metadata.name}: ${command}`));
check(noCommands([...production, ...contracting]).length === 0, `every hook runs a command that its image has${noCommands([...production, ...contracting]).map((one) => `: not ${one}`).join('')}`);
const misspelt = structuredClone(contracting);
misspelt.find(({ kind }) => kind === 'Job').spec.template.spec.containers[0].args = ['migrate', '--contract'];
check(noCommands(misspelt).length === 1, 'seen: a hook with a command that does not exist');
const around = (kind) => production.filter((one) => one.kind === kind).map(({ metadata }) => metadata.labels['app.kubernetes.io/component']).sort().join(' ');
check(['PodDisruptionBudget', 'Service', 'ServiceAccount'].every((kind) => around(kind) === 'dag-generator etl-worker monitor orchestrator'), 'each service has a Service, a ServiceAccount and a PodDisruptionBudget of its own');
check(deployments(production).every(({ spec }) => spec.template.spec.topologySpreadConstraints.length === 2 && spec.strategy.rollingUpdate.maxUnavailable === 0 && spec.minReadySeconds >= 20), 'pods are spread over zones and hosts, and roll one by one without a gap, none before it could join its group');
const scaled = production.find(({ kind }) => kind === 'ScaledObject');
check(scaled.spec.scaleTargetRef.name === 'agent-etl-etl-worker' && deployments(production).find(({ metadata }) => metadata.name === scaled.spec.scaleTargetRef.name).spec.replicas === undefined, 'KEDA rules the replicas of etl-worker alone, and nobody else does');
const { cells, faults: open } = networkFaults(production, 'etl');
check(open.length === 0, `network policies of production: ${cells} cells of pod and end are as meant${open.length ? `: ${open.slice(0, 5).join('; ')}` : ''}`);

// The gate of the gate: faults that are planted in good manifests are seen.
const orchestrator = () => structuredClone(deployments(base)[0]);
const faults = { 'a root that can be written': (spec) => { spec.containers[0].securityContext.readOnlyRootFilesystem = false; }, 'user 0': (spec) => { spec.securityContext.runAsUser = 0; }, 'a capability': (spec) => { spec.containers[0].securityContext.capabilities = { drop: ['ALL'], add: ['NET_ADMIN'] }; },
  'a folder of the host': (spec) => { spec.volumes.push({ name: 'host', hostPath: { path: '/' } }); }, 'a token of the cluster': (spec) => { delete spec.automountServiceAccountToken; }, 'no memory limit': (spec) => { delete spec.containers[0].resources.limits; },
  'a secret in the environment': (spec) => { spec.containers[0].env.push({ name: 'X', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }); }, 'the network of the host': (spec) => { spec.hostNetwork = true; } };
for (const [what, plant] of Object.entries(faults)) {
  const manifest = orchestrator();
  plant(manifest.spec.template.spec);
  check(breachesOf(manifest).length > 0, `seen: ${what}`);
}
const holes = { 'a door to everywhere': (policies) => policies.find(({ metadata }) => metadata.name === 'agent-etl-monitor').spec.egress.push({}), 'a metadata address': (policies) => policies.find(({ metadata }) => metadata.name === 'agent-etl-etl-worker').spec.egress.push({ to: [{ ipBlock: { cidr: '169.254.0.0/16' } }] }),
  'no default deny and no policy': (policies) => { for (const { spec } of policies) if (!spec.podSelector.matchLabels['app.kubernetes.io/component'] || spec.podSelector.matchLabels['app.kubernetes.io/component'] === 'topics') spec.podSelector.matchLabels = { app: 'none' }; }, 'callers from any namespace': (policies) => policies.find(({ metadata }) => metadata.name === 'agent-etl-orchestrator').spec.ingress.push({ from: [{ namespaceSelector: {} }] }) };
for (const [what, plant] of Object.entries(holes)) {
  const manifests = structuredClone(production);
  plant(manifests.filter(({ kind }) => kind === 'NetworkPolicy'));
  check(networkFaults(manifests, 'etl').faults.length > 0, `seen: ${what}`);
}
const other = structuredClone(releaseOf('b'));
other.find(({ kind }) => kind === 'Service').spec.selector = { 'app.kubernetes.io/name': 'agent-etl' };
other.find(({ kind }) => kind === 'NetworkPolicy').metadata.name = 'a-agent-etl-deny';
check(collisions(releaseOf('a'), other).length >= 2, 'seen: an object of both releases, a selector without the release');
const foreignFaults = { 'a trigger without a type': ['ScaledObject', ({ spec }) => { delete spec.triggers[0].type; }], 'a field that KEDA does not know': ['ScaledObject', ({ spec }) => { spec.maxReplicas = 3; }], 'a rule without an expression': ['PrometheusRule', ({ spec }) => { delete spec.groups[0].rules[0].expr; }],
  'an interval in words': ['PodMonitor', ({ spec }) => { spec.podMetricsEndpoints[0].interval = 'often'; }], 'a match that no gateway has': ['HTTPRoute', ({ spec }) => { spec.rules[0].matches[0].path.type = 'Glob'; }] };
for (const [what, [kind, plant]] of Object.entries(foreignFaults)) {
  const manifest = structuredClone(production.find((one) => one.kind === kind));
  plant(manifest);
  const seen = operatorFaults([manifest]);
  check(seen.length === 1 && !seen[0].includes('SchemaError'), `seen: ${what}`);
}
const badKind = orchestrator();
badKind.spec.replicas = 'two';
check(!isValid([badKind]).ok, 'seen: replicas in words');
rmSync(work, { recursive: true, force: true });
process.stdout.write(wrong ? `${wrong} things are not as they should be\n` : 'all as it should be\n');
process.exit(wrong ? 1 : 0);
