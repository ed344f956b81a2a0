// The chart without Helm: every value is documented and known to the schema, and rules and dashboards name metrics that services emit. With Helm, `npm run proof -- deploy` looks at the manifests themselves.
import { isMap, isScalar, parse, parseDocument } from 'yaml';

const chart = 'deploy/helm/agent-etl';
/** Paths of values that can be set, with what their comment says; a map in braces is one value. */
function valuesOf(node, above = '') {
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    const path = above ? `${above}.${isScalar(key) ? key.value : ''}` : String(key.value);
    return isMap(value) && !value.flow ? valuesOf(value, path) : [{ path, says: value?.comment?.trim() ?? '' }];
  });
}
/** What `services.<name>` overrides is documented under `defaults`. */
const documentedAs = (path) => path.replace(/^services\.[\w-]+\./, 'defaults.');
function documentationFaults(tree) {
  const values = valuesOf(parseDocument(tree.text(`${chart}/values.yaml`)).contents);
  const said = new Set(values.filter(({ says }) => says).map(({ path }) => path));
  return values.filter(({ path }) => !said.has(path) && !said.has(documentedAs(path))).filter(({ path }) => !/^defaults\.resources\./.test(documentedAs(path))).map(({ path }) => `${path} has no word of what it is for`);
}
/** Properties of the schema as paths; a map whose keys are free ends a path. */
function schemaPaths(schema, root, above = '') {
  const { properties } = schema.$ref ? root.definitions[schema.$ref.split('/').at(-1)] : schema;
  return Object.entries(properties ?? {}).flatMap(([key, below]) => [above ? `${above}.${key}` : key, ...schemaPaths(below, root, above ? `${above}.${key}` : key)]);
}
function leaves(value, above = '') {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [above];
  return [above, ...Object.entries(value).flatMap(([key, below]) => leaves(below, above ? `${above}.${key}` : key))].filter(Boolean);
}
function schemaFaults(tree) {
  const schema = tree.json(`${chart}/values.schema.json`);
  const given = leaves(parse(tree.text(`${chart}/values.yaml`)));
  const known = new Set(schemaPaths(schema, schema));
  const parents = new Set(given);
  const isFree = (path) => /^(?:networkPolicy\.(?:peers|clients)|image\.digests|config|(?:defaults|services\.[\w-]+)\.(?:resources|pdb|pod|config|serviceAccount\.annotations))\./.test(path);
  const ofDefaults = new Set(given.map(documentedAs));
  return [...given.filter((path) => !known.has(path) && !isFree(path)).map((path) => `${path} is a value that the schema does not know`),
    ...[...known].filter((path) => !parents.has(path) && !ofDefaults.has(documentedAs(path)) && !isFree(path) && path !== 'global').map((path) => `${path} is known to the schema and not in values.yaml`)];
}
/** Names in an expression of PromQL that are no function, keyword, label or duration. */
export function metricsOf(expression) {
  const bare = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*(?:\([^)]*\))?/g, ' ').replace(/\{[^}]*\}/g, ' ').replace(/\[[^\]]*\]/g, ' ').replace(/\$\w+/g, ' ');
  return [...bare.matchAll(/\b([a-zA-Z_:][\w:]*)\b(\s*\()?/g)].filter(([, name, call]) => !call && !/^(?:and|or|unless|bool|offset|inf|nan|sum|max|min|avg|count|topk|bottomk|quantile|\d.*)$/i.test(name) && !/^\d/.test(name)).map(([, name]) => name.replace(/_(?:bucket|sum|count)$/, ''));
}
function metricFaults(tree) {
  const documented = new Set([...tree.text('docs/reference/metrics.md').matchAll(/`(etl_[a-z_]+)`/g)].map(([, name]) => name));
  const rules = parse(tree.text(`${chart}/files/alerts.yaml`)).groups.flatMap(({ rules: list }) => list.map(({ alert, expr }) => [`alert ${alert}`, expr]));
  const panels = tree.json(`${chart}/files/overview.json`).panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel ${title}`, expr]));
  const isKnown = (name) => documented.has(name) || /^(?:nodejs|process)_/.test(name) || name === 'up';
  return [...rules, ...panels].flatMap(([where, expr]) => [...new Set(metricsOf(expr))].filter((name) => !isKnown(name)).map((name) => `${where} asks for ${name}, which no service emits`));
}
const alertFaults = (tree) => parse(tree.text(`${chart}/files/alerts.yaml`)).groups.flatMap(({ rules }) => rules.filter(({ labels, annotations }) => !['critical', 'warning'].includes(labels?.severity) || !annotations?.summary || !annotations.next).map(({ alert }) => `alert ${alert} lacks a severity, a summary or what to do next`));

export const chartGuard = {
  says: 'each value is documented and in the schema, each alert and panel asks for a metric that is emitted',
  async look(tree) {
    const values = valuesOf(parseDocument(tree.text(`${chart}/values.yaml`)).contents);
    return { looked: `${values.length} values`, findings: [...documentationFaults(tree), ...schemaFaults(tree), ...metricFaults(tree), ...alertFaults(tree)] };
  },
  faults: {
    'a value without a word': { plant: (tree) => tree.edit(`${chart}/values.yaml`, (text) => text.replace(/(max: 12) .*/, '$1')), named: 'autoscaling.max has no word' },
    'a value that the schema lacks': { plant: (tree) => tree.edit(`${chart}/values.yaml`, (text) => text.replace('  min: 2 ', '  planted: 2 # a planted value\n  min: 2 ')), named: 'autoscaling.planted' },
    'a property that values.yaml lacks': { plant: (tree) => tree.editJson(`${chart}/values.schema.json`, (schema) => { schema.properties.topics.properties.planted = { type: 'string' }; }), named: 'topics.planted is known' },
    'an alert on a metric that nobody emits': { plant: (tree) => tree.edit(`${chart}/files/alerts.yaml`, (text) => text.replace('etl_dead_letters', 'etl_dead_letters_total')), named: 'etl_dead_letters_total' },
    'a panel on a metric of another product': { plant: (tree) => tree.edit(`${chart}/files/overview.json`, (text) => text.replace('etl_queue_depth', 'celery_queue_length')), named: 'celery_queue_length' },
    'an alert that leaves people alone': { plant: (tree) => tree.edit(`${chart}/files/alerts.yaml`, (text) => text.replace(/, next: "agent-etl dlq list"/, '')), named: 'EtlDeadLetters lacks' },
  },
};
