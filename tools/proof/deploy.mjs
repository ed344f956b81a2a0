// The Helm chart: every manifest of three sets of values is valid and restricted, mistakes in values are refused by name, nothing reaches more than it says, and planted faults are seen.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { cache, root } from '../install.mjs';
import { provisionHelm } from '../provision/helm/helm.mjs';
import { UNABLE } from '../tally.mjs';
import { breachesOf } from './deploy/restricted.mjs';

const KUBERNETES = '1.33';
const chart = join(root, 'deploy', 'helm', 'agent-etl');
let tools;
try { tools = provisionHelm(cache); } catch (error) { process.stdout.write(`  ${error.message}\n`); process.exit(UNABLE); }
const work = mkdtempSync(join(tmpdir(), 'etl-chart-'));
let wrong = 0;
const check = (isSo, text) => { if (!isSo) wrong += 1; process.stdout.write(`  ${isSo ? 'ok  ' : 'NOT SO'} ${text}\n`); };
const helm = (...args) => spawnSync(tools.helm, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
const template = (...args) => helm('template', 'agent-etl', chart, '-n', 'etl', '--kube-version', `${KUBERNETES}.0`, ...args);
const manifestsOf = (text) => parseAllDocuments(text).map((document) => document.toJSON()).filter(Boolean);
/** Kinds that Kubernetes itself has; those of operators are their operators' to check. */
const isOwn = ({ apiVersion }) => ['v1', 'apps', 'batch', 'policy', 'networking.k8s.io'].includes(apiVersion.split('/')[0]);
/** Whether the validator takes the manifests; it reads files. */
function isValid(manifests) {
  const file = join(work, 'manifests.yaml');
  writeFileSync(file, manifests.map((one) => JSON.stringify(one)).join('\n---\n'));
  const { status, stdout, stderr } = spawnSync(tools.validate, ['-k', KUBERNETES, '--strict', file], { encoding: 'utf8' });
  return { ok: status === 0, said: `${stdout}${stderr}`.trim().split('\n').at(-1) };
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
  const breaches = manifests.flatMap(breachesOf);
  check(breaches.length === 0, `${file}: every pod is restricted${breaches.length ? `: ${breaches.join('; ')}` : ''}`);
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels['app.kubernetes.io/component'] ?? 'all');
  const pods = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'Job').map(({ metadata }) => metadata.labels['app.kubernetes.io/component']);
  check(['all', ...pods].every((pod) => policies.includes(pod)), `${file}: default deny, and a policy for each of ${pods.join(', ')}`);
}
const { status: linted } = helm('lint', chart, '-f', join(chart, 'ci', 'default.yaml'));
check(linted === 0, 'helm lint has nothing to say');

// Mistakes that people make; each must be refused before anything is sent to a cluster, in words that name it.
const mistakes = { 'an unknown value': ['kafka.broker=x:9092', 'broker'], 'an unknown setting of a service': ['services.monitor.replica=3', 'replica'], 'an unknown service': ['services.worker.replicas=3', 'worker'], 'the tag latest': ['image.tag=latest', 'tag'],
  'a digest that is none': ['image.digests.monitor=sha256:12', 'monitor'], 'brokers without a port': ['kafka.brokers=kafka', 'brokers'], 'a password in plain settings': ['config.ETL_DB_PASSWORD=x', 'ETL_DB_PASSWORD'], 'a setting that is not ours': ['config.FOO=x', 'FOO'],
  'a memory that is no quantity': ['services.etl-worker.scratch=lots', 'scratch'], 'a port below 1024': ['services.monitor.port=80', 'port'], 'DAGs on a claim without a name': ['dags.publish=pvc', 'claim'], 'an ingress without a host': ['ingress.kind=Ingress', 'host'],
  'a password in the clear': ['kafka.sasl=plain,kafka.tls=false', 'tls'], 'a mode that does not exist': ['autoscaling.mode=hpa', 'mode'], 'KEDA with text for a number': ['autoscaling.max=many', 'max'], 'a peer that is not described': ['services.monitor.dial={postgres,moon}', 'moon'] };
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
const alerts = readFileSync(join(chart, 'files', 'alerts.yaml'), 'utf8') + readFileSync(join(chart, 'files', 'overview.json'), 'utf8');
const documented = new Set([...readFileSync(join(root, 'docs', 'reference', 'metrics.md'), 'utf8').matchAll(/`(etl_[a-z_]+)`/g)].map(([, name]) => name));
const strange = [...alerts.matchAll(/\betl_[a-z_]+\b/g)].map(([name]) => name.replace(/_bucket$/, '')).filter((name) => !documented.has(name));
check(strange.length === 0, `every metric of alerts and dashboard is documented${strange.length ? `: not ${strange.join(', ')}` : ''}`);

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
const badKind = orchestrator();
badKind.spec.replicas = 'two';
check(!isValid([badKind]).ok, 'seen: replicas in words');
rmSync(work, { recursive: true, force: true });
process.stdout.write(wrong ? `${wrong} things are not as they should be\n` : 'all as it should be\n');
process.exit(wrong ? 1 : 0);
