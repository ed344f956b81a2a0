// Schemas of the kinds that operators bring: KEDA, the Prometheus operator, Gateway API, External Secrets. They come with the operators' own Go modules and are closed: a field that none knows is a mistake.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const modules = {
  'github.com/kedacore/keda/v2@v2.18.0': { ScaledObject: 'config/crd/bases/keda.sh_scaledobjects.yaml' },
  'github.com/prometheus-operator/prometheus-operator@v0.85.0': Object.fromEntries(['PodMonitor', 'ServiceMonitor', 'PrometheusRule'].map((kind) => [kind, `example/prometheus-operator-crd/monitoring.coreos.com_${kind.toLowerCase()}s.yaml`])),
  'sigs.k8s.io/gateway-api@v1.4.0': { HTTPRoute: 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml' },
  'github.com/external-secrets/external-secrets@v0.20.4': { ExternalSecret: 'config/crds/bases/external-secrets.io_externalsecrets.yaml' },
};
/** What a cluster makes of a schema when it is strict: unknown fields are refused, an int-or-string is either. */
function closed(schema) {
  if (schema === null || typeof schema !== 'object') return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const { format, ...rest } = Object.fromEntries(Object.entries(schema).filter(([key]) => key !== 'description' && key !== 'default').map(([key, value]) => [key, key === 'properties' ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)])) : closed(value)]));
  if (rest.pattern?.includes('(?i)')) delete rest.pattern; // Go's own syntax
  if (rest['x-kubernetes-int-or-string']) return { type: ['integer', 'string'] };
  const isClosed = rest.properties && rest.additionalProperties === undefined && !rest['x-kubernetes-preserve-unknown-fields'];
  return { ...rest, ...(format === 'date-time' ? { format } : {}), ...(isClosed ? { additionalProperties: false } : {}), ...(rest.nullable && rest.type ? { type: [rest.type, 'null'] } : {}) };
}
function schemasOf(text, kind) {
  const definition = parseAllDocuments(text).map((document) => document.toJSON()).find((one) => one?.spec?.names.kind === kind);
  return Object.fromEntries(definition.spec.versions.filter(({ served }) => served).map(({ name, schema }) => [`${definition.spec.group}/${name}`, { ...closed(schema.openAPIV3Schema), properties: { ...closed(schema.openAPIV3Schema).properties, metadata: { type: 'object' } } }]));
}

/** `{ '<apiVersion> <kind>': path of a JSON schema }`. Throws with one line when a module cannot be had. */
export function provisionOperatorSchemas(cache) {
  const folder = join(cache, 'operators');
  const index = join(folder, 'index.json');
  const wanted = JSON.stringify([modules, closed.toString()]);
  const kept = existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')) : {};
  if (kept.wanted === wanted) return kept.schemas;
  mkdirSync(folder, { recursive: true });
  const schemas = {};
  for (const [module, kinds] of Object.entries(modules)) {
    const { stdout, error, status } = spawnSync('go', ['mod', 'download', '-json', module], { cwd: folder, encoding: 'utf8', env: { ...process.env, GO111MODULE: 'on', GOFLAGS: '-mod=mod' } });
    if (error || status !== 0) throw new Error(`go mod download ${module}: ${error?.message ?? JSON.parse(stdout || '{}').Error ?? status}`);
    const { Dir: at } = JSON.parse(stdout);
    for (const [kind, file] of Object.entries(kinds)) for (const [version, schema] of Object.entries(schemasOf(readFileSync(join(at, file), 'utf8'), kind))) {
      const path = join(folder, `${kind}.${version.replace('/', '.')}.json`);
      writeFileSync(path, JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema }));
      schemas[`${version} ${kind}`] = path;
    }
  }
  writeFileSync(index, JSON.stringify({ wanted, schemas }));
  return schemas;
}
