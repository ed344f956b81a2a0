import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { endpoints } from './endpoints.ts';
import { errorTable } from './error-table.ts';
import { apps, isMessageType, messageTypes, messages, readBy, topics } from './messages.ts';

interface Node { readonly $ref?: string; readonly type?: string; readonly description?: string; readonly properties?: Record<string, Node>; readonly $defs?: Record<string, Node> }
const asJson = (schema: z.ZodType): Node => z.toJSONSchema(schema, { io: 'output', unrepresentable: 'throw' }) as Node;
/** A schema with an id is a reference into $defs at its own root. */
const root = (node: Node): Node => (node.$ref ? node.$defs?.[node.$ref.split('/').at(-1) ?? ''] ?? node : node);
const properties = (node: Node): [string, Node][] => [node, ...Object.values(node.$defs ?? {})]
  .flatMap(({ properties: members }) => Object.entries(members ?? {}));

describe('the message catalogue', () => {
  it.each(messageTypes)('says %s in words that JSON Schema knows', (type) => {
    expect(root(asJson(messages[type].payload)).type).toBe('object');
  });
  it.each(messageTypes)('describes every property of %s', (type) => {
    const bare = properties(asJson(messages[type].payload)).filter(([, node]) => !node.description && !('$ref' in node)).map(([name]) => name);
    expect(bare).toEqual([]);
  });
  it.each(messageTypes)('lets only the writer of its topic write %s', (type) => {
    expect(messages[type].writer).toBe(topics[messages[type].topic].writer);
  });
  it.each(messageTypes)('keys %s by a property that it has', (type) => {
    expect(Object.keys(messages[type].payload.shape)).toContain(messages[type].key);
  });
  it('names messages as noun.past-participle.vN or noun.requested.vN', () => {
    expect(messageTypes.filter((type) => !/^[a-z]+(\.[a-z-]+)+\.v[1-9]$/.test(type))).toEqual([]);
  });
  it('has a reader of ours for every message that is not an answer to the requester', () => {
    const answers = ['etl.pipeline.events', 'etl.run.events'];
    expect(messageTypes.filter((type) => messages[type].readers.length === 0 && !answers.includes(messages[type].topic))).toEqual([]);
    expect(apps.filter((app) => readBy(app).length === 0)).toEqual([]);
  });
  it('does not take words of Object for a message', () => {
    expect([isMessageType('constructor'), isMessageType('__proto__'), isMessageType('run.finished.v1')]).toEqual([false, false, true]);
  });
});

describe('the endpoints', () => {
  const all = Object.entries(endpoints);
  it.each(all)('%s has a role, a sentence, and a body only where a body belongs', (_, { roles, says, method, body }) => {
    expect(roles.length).toBeGreaterThan(0);
    expect(says).toMatch(/\.$/);
    if (method === 'GET') expect(body.safeParse(undefined).success && !body.safeParse({}).success).toBe(true);
  });
  it('has no two endpoints on one method and path', () => {
    const routes = all.map(([, { method, path }]) => `${method} ${path.replaceAll(/:\w+/g, ':id')}`);
    expect(new Set(routes).size).toBe(routes.length);
  });
  it.each(all)('%s answers with something JSON Schema can say', (_, { response }) => { expect(root(asJson(response)).type).toBe('object'); });
});

describe('the error table', () => {
  it.each(Object.entries(errorTable))('%s is area.reason with one sentence', (code, row) => {
    expect(code).toMatch(/^[a-z]+\.[a-z-]+$/);
    expect(row.says).toMatch(/\.$/);
    expect(row.http === null || (row.http >= 400 && row.http < 600)).toBe(true);
  });
});
