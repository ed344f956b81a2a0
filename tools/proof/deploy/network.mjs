// What network policies let through, reckoned as the API describes it: a pod that no policy selects is open, one that policies select has the sum of what they allow.

const matches = (selector = {}, labels = {}) => Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
const numberOf = (ip) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
function isInside(ip, cidr) {
  if (cidr.includes(':') !== ip.includes(':')) return false;
  if (ip.includes(':')) return cidr === '::/0' || ip.startsWith(cidr.split('::')[0]);
  const [base, bits] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(ip) / size) === Math.floor(numberOf(base) / size);
}
/** Whether a rule's list of peers holds one end. An end is `{ ip }`, or a pod `{ labels, namespace }`; no list holds all. */
function holds(list, end, own) {
  if (list === undefined) return true;
  return list.some(({ ipBlock, podSelector, namespaceSelector }) => {
    if (ipBlock) return Boolean(end.ip) && isInside(end.ip, ipBlock.cidr) && !(ipBlock.except ?? []).some((cidr) => isInside(end.ip, cidr));
    if (!end.labels) return false;
    const isThere = namespaceSelector ? matches(namespaceSelector, { 'kubernetes.io/metadata.name': end.namespace }) : end.namespace === own;
    return isThere && (podSelector === undefined || matches(podSelector, end.labels));
  });
}
const holdsPort = (ports, port, protocol, named) => ports === undefined || ports.some((one) => (one.protocol ?? 'TCP') === protocol && (one.port === undefined || one.port === port || one.port === named));

/** Whether policies of a namespace let a pod of it dial, or be dialled by, another end. */
export function isOpen(policies, pod, { direction, end, port, protocol = 'TCP', named }) {
  const kind = direction === 'out' ? 'Egress' : 'Ingress';
  const ofPod = policies.filter(({ spec }) => spec.policyTypes.includes(kind) && matches(spec.podSelector, pod.labels));
  if (ofPod.length === 0) return true;
  return ofPod.flatMap(({ spec }) => (direction === 'out' ? spec.egress : spec.ingress) ?? []).some((rule) => holds(direction === 'out' ? rule.to : rule.from, end, pod.namespace) && holdsPort(rule.ports, port, protocol, named));
}

const world = { dns: [{ labels: { 'k8s-app': 'kube-dns' }, namespace: 'kube-system' }, 53, 'UDP'], postgres: [{ ip: '10.20.0.7' }, 5432], kafka: [{ ip: '10.20.1.9' }, 9096], https: [{ ip: '10.20.9.3' }, 443], data: [{ ip: '10.30.4.4' }, 3306] };
const strangers = { metadata: [{ ip: '169.254.169.254' }, 80], 'the metadata of IPv6': [{ ip: 'fd00:ec2::254' }, 80], 'the internet by https': [{ ip: '203.0.113.5' }, 443], 'the API server': [{ ip: '10.96.0.1' }, 443], 'a shell port': [{ ip: '10.20.0.7' }, 22], 'another namespace': [{ labels: { app: 'x' }, namespace: 'other' }, 8080] };
const ports = { orchestrator: 8080, 'dag-generator': 8081, monitor: 8082, 'etl-worker': 8083 };
/** pod -> [peers that it dials, clients that dial it], as README.head.md says for the values of production. */
const meant = {
  orchestrator: [['postgres', 'kafka'], ['monitoring', 'ingress', 'airflow']], 'etl-worker': [['postgres', 'kafka', 'https', 'data'], ['monitoring']], 'dag-generator': [['postgres', 'kafka'], ['monitoring', 'ingress']], monitor: [['postgres', 'kafka'], ['monitoring', 'ingress']],
  migrate: [['postgres'], []], topics: [['kafka'], []], test: [['kafka'], []],
};

/** Cells of the table pod x end that are not as meant, in words, and how many cells there are. `manifests` are those of the production values. */
export function networkFaults(manifests, namespace) {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
  const labels = Object.fromEntries(manifests.flatMap((one) => one.kind === 'Deployment' || one.kind === 'Job' ? [one.spec.template.metadata.labels] : one.kind === 'Pod' ? [one.metadata.labels] : []).map((one) => [one['app.kubernetes.io/component'], one]));
  const faults = [];
  let cells = 0;
  const cell = (pod, what, question, expected) => { cells += 1; if (isOpen(policies, { labels: labels[pod], namespace }, question) !== expected) faults.push(`${pod} ${expected ? 'cannot' : 'can'} ${what}`); };
  for (const [pod, [dials, clients]] of Object.entries(meant)) {
    for (const [peer, [end, port, protocol]] of Object.entries(world)) cell(pod, `dial ${peer}`, { direction: 'out', end, port, protocol }, peer === 'dns' || dials.includes(peer));
    for (const [stranger, [end, port]] of Object.entries(strangers)) cell(pod, `dial ${stranger}`, { direction: 'out', end, port }, false);
    for (const client of ['monitoring', 'ingress', 'airflow', 'default']) cell(pod, `be dialled from ${client}`, { direction: 'in', end: { labels: { app: client }, namespace: client }, port: ports[pod] ?? 8080, named: 'http' }, clients.includes(client));
    for (const other of Object.keys(ports)) {
      cell(pod, `dial ${other}`, { direction: 'out', end: { labels: labels[other], namespace }, port: ports[other] }, pod === 'test');
      cell(other, `be dialled by ${pod}`, { direction: 'in', end: { labels: labels[pod], namespace }, port: ports[other], named: 'http' }, pod === 'test');
    }
  }
  return { cells, faults };
}
