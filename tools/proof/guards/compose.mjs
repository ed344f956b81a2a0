// The evaluation by Compose: valid by its schema, each service is set with names that it reads and with nothing that is a secret, and every container is locked down.
import { parse } from 'yaml';
import { schemaFaults } from './forge.mjs';
import { secretsIn } from './secrets.mjs';

const file = 'deploy/compose/compose.yaml';
const read = (tree) => parse(tree.text(file), { merge: true });
const apps = ['orchestrator', 'etl-worker', 'dag-generator', 'monitor'];
/** Heading -> the names that its table lists: `name -> isRequired`. From the page that is generated from the code. */
export function variablesOf(page) {
  const tables = {};
  for (const part of page.split(/^## /m).slice(1)) tables[part.slice(0, part.indexOf('\n'))] = Object.fromEntries([...part.matchAll(/^\| `([A-Z_]+)` \| ([^|]+)\|/gm)].map(([, name, standard]) => [name, standard.trim() === 'required']));
  return tables;
}
/** What a container of ours reads: a service its own table and that of all, its command `migrate` and `topics` what they need. */
function readBy(tables, name, { command = [] }) {
  if (command[0] === 'migrate') return tables['the command migrate of each service'];
  const ofAll = tables['every service'];
  if (command[0] === 'topics') return Object.fromEntries(Object.entries(ofAll).filter(([one]) => one.startsWith('ETL_MESSAGING_')));
  return { ...ofAll, ...tables[name] };
}
function environmentFaults(tree, services) {
  const tables = variablesOf(tree.text('docs/reference/environment.md'));
  return Object.entries(services).filter(([, { image }]) => image.startsWith('agent-etl/')).filter(([name]) => name !== 'keys').flatMap(([name, service]) => {
    const known = readBy(tables, name, service);
    const set = Object.keys(service.environment ?? {});
    return [...set.filter((one) => known[one] === undefined).map((one) => `${name}: ${one} is read by nobody there`), ...Object.entries(known).filter(([one, isRequired]) => isRequired && !set.includes(one)).map(([one]) => `${name}: ${one} is not set`)];
  });
}
/** The orchestrator plans by what it is told of the workers' engines: both have to be told the same. */
const engineFaults = (services) => ['ETL_ETL_WORKER_ENGINE_MEMORY_MB', 'ETL_ENGINES_SPARK_URL'].filter((name) => services.orchestrator?.environment?.[name] !== services['etl-worker']?.environment?.[name]).map((name) => `orchestrator: ${name} is not what etl-worker is told`);
/** A value beside a name that tells of a secret has to be the path of a file that `keys` draws. */
function secretFaults(services) {
  return Object.entries(services).flatMap(([name, { environment = {} }]) => Object.entries(environment).filter(([key, value]) =>
    (/PASSWORD|SECRET|TOKEN|_KEY/.test(key) && !/^\/(?:run\/secrets\/etl|keys)\/[\w.]+$/.test(value) && !(key === 'ETL_SECRETS_STORE' && value === 'file')) || /:\/\/[^@/]*:[^@/]*@/.test(value) || secretsIn(`token: "${value}"`).length > 0).map(([key]) => `${name}: ${key} holds a secret in clear`));
}
function boxFaults(name, service) {
  const rules = {
    'keeps capabilities': service.cap_drop?.includes('ALL') && (service.cap_add === undefined || name === 'keys'), 'may gain privileges': service.security_opt?.includes('no-new-privileges:true') && service.privileged === undefined,
    'can write its root': service.read_only === true || name === 'kafka', 'has no memory limit': /^\d+[mg]$/.test(service.mem_limit ?? ''), 'is open beyond this machine': (service.ports ?? []).every((port) => String(port).startsWith('127.0.0.1:')),
    'has the socket of the engine': !(service.volumes ?? []).some((one) => /\.sock/.test(one)), 'lives in a namespace of the host': service.network_mode !== 'host' && service.pid === undefined, 'has a network and secrets of all': name !== 'keys' || service.network_mode === 'none',
    'mounts keys of another': (service.volumes ?? []).every((one) => !/-keys:/.test(one) || name === 'keys' || one.startsWith(`${name}-keys:`) || (name === 'postgres' && one.startsWith('database-keys:')) || (name.startsWith('migrate-') && one.startsWith('owner-keys:'))),
    'mounts a file that podman may not read': (service.volumes ?? []).every((one) => !one.startsWith('./') || /:ro,z$/.test(one)),
    'has a short image name': /^agent-etl\/|^[\w-]+(?:\.[\w-]+)+\//.test(service.image),
  };
  return Object.entries(rules).filter(([, isKept]) => !isKept).map(([says]) => `${name} ${says}`);
}
/** Files that containers mount, and the release that the images are of. */
function placeFaults(tree, services) {
  const { appVersion } = parse(tree.text('deploy/helm/agent-etl/Chart.yaml'));
  return Object.entries(services).flatMap(([name, { image, volumes = [] }]) => [
    ...(image.startsWith('agent-etl/') && !image.endsWith(`:${appVersion}`) ? [`${name}: ${image} is not of release ${appVersion}`] : []),
    ...volumes.map((one) => /^\.\/([\w.-]+):/.exec(one)?.[1]).filter((path) => path && tree.names(new RegExp(`^deploy/compose/${path.replaceAll('.', '\\.')}(?:/|$)`)).length === 0).map((path) => `${name} mounts ${path}, which is not there`)]);
}

export const compose = {
  says: 'valid by the schema of Compose, settings are names that services read, no secret stands in it, containers are locked down',
  async look(tree, tools) {
    const { services } = read(tree);
    const missing = apps.filter((app) => !services[app]).map((app) => `${app} is missing`);
    const findings = [...missing, ...schemaFaults(tree, tools, 'vendor.compose-spec', [file]), ...environmentFaults(tree, services), ...secretFaults(services), ...engineFaults(services), ...Object.entries(services).flatMap(([name, service]) => boxFaults(name, service)), ...placeFaults(tree, services)];
    return { looked: `${Object.keys(services).length} containers`, findings };
  },
  faults: Object.fromEntries(Object.entries({
    'a key that Compose does not know': [(text) => text.replace('pids_limit: 256', 'pid_limit: 256'), 'pid_limit'],
    'a setting that nobody reads': [(text) => text.replace('ETL_SECRETS_STORE', 'ETL_SECRET_STORE'), 'ETL_SECRET_STORE is read by nobody'],
    'a setting that is needed and missing': [(text) => text.replaceAll('  ETL_MESSAGING_BROKERS: kafka:9092\n', ''), 'ETL_MESSAGING_BROKERS is not set'],
    'an orchestrator that knows other engines': [(text) => text.replace('<<: [*service, *engines]', '<<: *service'), 'is not what etl-worker is told'],
    'a password in clear': [(text) => text.replace('POSTGRES_PASSWORD_FILE: /keys/postgres', 'POSTGRES_PASSWORD: postgres'), 'POSTGRES_PASSWORD holds a secret'],
    'a password in an address': [(text) => text.replace('postgres://monitor@', 'postgres://monitor:monitor@'), 'monitor: ETL_PERSISTENCE_URL holds a secret'],
    'a port that others reach': [(text) => text.replace('"127.0.0.1:8082:8082"', '"8082:8082"'), 'monitor is open'],
    'the keys of another service': [(text) => text.replace('      - dag-generator-keys:/run', '      - monitor-keys:/run'), 'dag-generator mounts keys'],
    'capabilities': [(text) => text.replace('cap_drop: [ALL]', 'cap_drop: [NET_RAW]'), 'keeps capabilities'],
    'images of another release': [(text) => text.replace('agent-etl/monitor:0.1.0', 'agent-etl/monitor:0.0.9'), 'agent-etl/monitor:0.0.9'],
  }).map(([what, [change, named]]) => [what, { plant: (tree) => tree.edit(file, change), named }])),
};
