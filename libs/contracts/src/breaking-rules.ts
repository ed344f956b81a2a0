/** As much of JSON Schema as ours use. */
export interface SchemaNode {
  readonly $ref?: string; readonly type?: string | readonly string[]; readonly properties?: Readonly<Record<string, SchemaNode>>; readonly required?: readonly string[];
  readonly items?: SchemaNode; readonly prefixItems?: readonly SchemaNode[]; readonly additionalProperties?: boolean | SchemaNode; readonly propertyNames?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[]; readonly oneOf?: readonly SchemaNode[]; readonly allOf?: readonly SchemaNode[]; readonly enum?: readonly unknown[]; readonly const?: unknown; readonly $defs?: Readonly<Record<string, SchemaNode>>;
}
/** Words of a schema that say nothing of what it takes. */
const silent = new Set(['description', 'title', '$schema', 'id', '$id', 'examples', '$defs', 'properties', 'required', '$ref', 'items', 'prefixItems', 'additionalProperties', 'propertyNames', 'anyOf', 'oneOf', 'allOf', 'default', 'enum']);
interface Side { readonly root: SchemaNode; readonly node: SchemaNode }
const resolved = ({ root, node }: Side): Side => {
  const name = node.$ref?.split('/').at(-1);
  const found = name === undefined ? undefined : root.$defs?.[name];
  return found ? resolved({ root, node: found }) : { root, node };
};
const at = ({ root }: Side, node: SchemaNode): Side => ({ root, node });
const listsOf = ({ node }: Side): readonly SchemaNode[] => [...node.anyOf ?? [], ...node.oneOf ?? [], ...node.allOf ?? [], ...node.prefixItems ?? []];
const closed = ({ node }: Side): boolean => node.additionalProperties === false;
/** Schemas that hold themselves are walked once. */
type Seen = Set<string>;

/** What of a published schema is broken by what stands in its place. Between two releases that live side by side a message may only gain optional fields:
 * each path that lost, changed or newly demands something is one line; empty when both releases read each other.
 * @param earlier as it was published
 * @param now as this release says it */
export const breaksOf = (earlier: SchemaNode, now: SchemaNode): string[] => compare({ root: earlier, node: earlier }, { root: now, node: now }, { path: '', seen: new Set() });

function compare(from: Side, to: Side, { path, seen }: { path: string; seen: Seen }): string[] {
  const mark = `${from.node.$ref ?? ''}>${to.node.$ref ?? ''}`;
  if (from.node.$ref !== undefined || to.node.$ref !== undefined) {
    if (seen.has(mark)) return [];
    seen.add(mark);
  }
  const [was, is] = [resolved(from), resolved(to)];
  const where = path || '/';
  return [...factsOf(was, is, where), ...enumOf(was, is, where), ...fieldsOf(was, is, { path, seen }), ...listOf(was, is, { path, seen }), ...partsOf(was, is, { path, seen })];
}
function factsOf(was: Side, is: Side, where: string): string[] {
  const facts = (side: Side): Record<string, unknown> => Object.fromEntries(Object.entries(side.node).filter(([name]) => !silent.has(name)));
  const [before, after] = [facts(was), facts(is)];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${where}: ${name} was ${JSON.stringify(before[name])}, is ${JSON.stringify(after[name])}`);
}
/** A value that is new is unknown to the release before, which still reads. */
function enumOf(was: Side, is: Side, where: string): string[] {
  const [before, after] = [was.node.enum ?? [], is.node.enum ?? []];
  return [...before.filter((value) => !after.includes(value)).map((value) => `${where}: ${JSON.stringify(value)} is no longer a value`), ...after.filter((value) => !before.includes(value)).map((value) => `${where}: the value ${JSON.stringify(value)} is new`)];
}
function fieldsOf(was: Side, is: Side, { path, seen }: { path: string; seen: Seen }): string[] {
  const [before, after] = [was.node.properties ?? {}, is.node.properties ?? {}];
  const required = (side: Side, name: string): boolean => side.node.required?.includes(name) ?? false;
  const gone = Object.keys(before).filter((name) => !(name in after)).map((name) => `${path}/${name}: is gone`);
  const added = Object.keys(after).filter((name) => !(name in before)).flatMap((name) => [
    ...(required(is, name) ? [`${path}/${name}: is new and required`] : []), ...(closed(was) ? [`${path}/${name}: is new, where readers of before take nothing that they do not know`] : [])]);
  const changed = Object.keys(before).filter((name) => name in after).flatMap((name) => [
    ...(required(was, name) === required(is, name) ? [] : [`${path}/${name}: ${required(is, name) ? 'is now required' : 'may now be left out'}`]), ...compare(at(was, before[name]!), at(is, after[name]!), { path: `${path}/${name}`, seen })]);
  return [...gone, ...added, ...changed];
}
function listOf(was: Side, is: Side, { path, seen }: { path: string; seen: Seen }): string[] {
  const [before, after] = [listsOf(was), listsOf(is)];
  if (before.length !== after.length) return [`${path || '/'}: there were ${before.length} forms of it, there are ${after.length}`];
  return before.flatMap((node, index) => compare(at(was, node), at(is, after[index]!), { path: `${path}|${index}`, seen }));
}
function partsOf(was: Side, is: Side, { path, seen }: { path: string; seen: Seen }): string[] {
  const rules = (['items', 'additionalProperties', 'propertyNames'] as const).flatMap((part) => {
    const [before, after] = [was.node[part], is.node[part]];
    if (typeof before === 'object' && typeof after === 'object') return compare(at(was, before), at(is, after), { path: `${path}/*`, seen });
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [`${path || '/'}: ${part} was ${JSON.stringify(before)}, is ${JSON.stringify(after)}`];
  });
  return rules;
}
