// What the Pod Security Standard `restricted` asks of a pod (https://kubernetes.io/docs/concepts/security/pod-security-standards/), and a little more that this product promises.

const containersOf = (pod) => [...pod.initContainers ?? [], ...pod.containers];
const volumes = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret']);
/** Each rule: what it says when it is broken, and whether a container of a pod keeps it. */
const ofContainers = {
  'may gain privileges': ({ securityContext: box }) => box?.allowPrivilegeEscalation === false && box.privileged !== true,
  'keeps capabilities': ({ securityContext: box }) => box?.capabilities?.drop?.includes('ALL') && (box.capabilities.add ?? []).every((one) => one === 'NET_BIND_SERVICE'),
  'can write its root': ({ securityContext: box }) => box?.readOnlyRootFilesystem === true,
  'has no memory limit': ({ resources }) => Boolean(resources?.limits?.memory && resources.requests?.memory && resources.requests?.cpu),
  'takes secrets from its environment': ({ env = [], envFrom }) => envFrom === undefined && env.every(({ valueFrom }) => valueFrom?.secretKeyRef === undefined),
  'has a port of the host': ({ ports = [] }) => ports.every(({ hostPort }) => hostPort === undefined),
  'is pulled by a name that moves': ({ image }) => /@sha256:[0-9a-f]{64}$|:\d+\.\d+\.\d+/.test(image),
};
const ofPods = {
  'may run as root': ({ securityContext: box }) => box?.runAsNonRoot === true && (box.runAsUser ?? 1) > 0,
  'has no seccomp profile': ({ securityContext: box }) => ['RuntimeDefault', 'Localhost'].includes(box?.seccompProfile?.type),
  'shares a namespace of the host': ({ hostNetwork, hostPID, hostIPC }) => !hostNetwork && !hostPID && !hostIPC,
  'mounts a volume of the host': ({ volumes: list = [] }) => list.every((one) => Object.keys(one).every((key) => key === 'name' || volumes.has(key))),
  'holds a token of the cluster': ({ automountServiceAccountToken: token }) => token === false,
};

/** What is wrong with the pods of a manifest, in words; empty when nothing is. */
export function breachesOf(manifest) {
  const pod = manifest.kind === 'Pod' ? manifest.spec : manifest.spec?.template?.spec;
  if (!pod) return [];
  const name = `${manifest.kind} ${manifest.metadata.name}`;
  const broken = (rules, of, where) => Object.entries(rules).filter(([, keeps]) => !keeps(of)).map(([says]) => `${where} ${says}`);
  return [...broken(ofPods, pod, name), ...containersOf(pod).flatMap((container) => broken(ofContainers, container, `${name}, ${container.name}`))];
}
