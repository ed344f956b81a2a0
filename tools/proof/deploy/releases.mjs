// Two releases in one namespace: no object of one is an object of the other, and no selector of one finds pods of the other.

const idOf = ({ kind, metadata }) => `${kind} ${metadata.name}`;
const podsOf = (manifests) => manifests.flatMap((one) => one.spec?.template?.metadata ? [{ of: idOf(one), labels: one.spec.template.metadata.labels }] : one.kind === 'Pod' ? [{ of: idOf(one), labels: one.metadata.labels }] : []);
/** Every label selector of a manifest, wherever it stands. */
function selectorsOf(value) {
  if (value === null || typeof value !== 'object') return [];
  const own = value.matchLabels ? [value.matchLabels] : value.kind === 'Service' ? [value.spec.selector] : [];
  return [...own, ...Object.values(value).flatMap(selectorsOf)];
}
/** Selectors that mean pods of the cluster beside ours. */
const isOurs = (selector) => Object.keys(selector).some((key) => key.startsWith('app.kubernetes.io/'));

/** What two rendered releases share, in words. Secrets that ExternalSecrets make are named by their user. */
export function collisions(one, two) {
  const names = new Set(one.map(idOf));
  const same = two.filter(({ kind }) => kind !== 'ExternalSecret').map(idOf).filter((id) => names.has(id));
  const reaching = [[one, two], [two, one]].flatMap(([from, to]) => from.flatMap((manifest) => selectorsOf(manifest).filter(isOurs)
    .flatMap((selector) => podsOf(to).filter(({ labels }) => Object.entries(selector).every(([key, value]) => labels[key] === value)).map(({ of }) => `${idOf(manifest)} selects ${of} of the other release`))));
  return [...same.map((id) => `both have ${id}`), ...reaching];
}
/** References by name in a release that nothing in it, and no setting of the user's, answers. */
export function looseEnds(manifests, given) {
  const has = new Set(manifests.map(idOf));
  const wanted = manifests.flatMap((one) => {
    const pod = one.kind === 'Pod' ? one.spec : one.spec?.template?.spec;
    return [...(pod?.serviceAccountName ? [`ServiceAccount ${pod.serviceAccountName}`] : []), ...(pod?.volumes ?? []).flatMap(({ configMap, persistentVolumeClaim, projected, secret }) => [
      ...(configMap ? [`ConfigMap ${configMap.name}`] : []), ...(persistentVolumeClaim ? [`PersistentVolumeClaim ${persistentVolumeClaim.claimName}`] : []), ...(secret ? [`Secret ${secret.secretName}`] : []), ...(projected?.sources ?? []).map(({ secret: one }) => `Secret ${one.name}`)]),
    ...(one.kind === 'ScaledObject' ? [`Deployment ${one.spec.scaleTargetRef.name}`] : []), ...(one.kind === 'Ingress' ? one.spec.rules.flatMap(({ http }) => http.paths.map(({ backend }) => `Service ${backend.service.name}`)) : []),
    ...(one.kind === 'HTTPRoute' ? one.spec.rules.flatMap(({ backendRefs = [] }) => backendRefs.map(({ name }) => `Service ${name}`)) : [])];
  });
  return [...new Set(wanted)].filter((id) => !has.has(id) && !given.includes(id));
}
/** Kind and name of hooks in the order in which Helm runs them before an install. */
export const hookOrder = (manifests) => manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook']?.includes('pre-install'))
  .sort((a, b) => Number(a.metadata.annotations['helm.sh/hook-weight']) - Number(b.metadata.annotations['helm.sh/hook-weight'])).map(({ kind, metadata }) => `${kind} ${metadata.labels['app.kubernetes.io/component']}`);
