import { describe, expect, it } from '@jest/globals';
import { endpoints, messageTypes } from '@agent-etl/contracts';
import { asyncApi } from './async-api.ts';
import { docsPage } from './docs-page.ts';
import { openApi } from './open-api.ts';

/** Every $ref of a document with whether it leads somewhere. */
function dangling(document: object): string[] {
  const refs = JSON.stringify(document).matchAll(/"\$ref":"(#[^"]+)"/g);
  const find = (ref: string): unknown => ref.slice(2).split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
  return [...new Set([...refs].map(([, ref]) => ref!))].filter((ref) => find(ref) === undefined);
}

describe('OpenAPI', () => {
  const document = openApi(endpoints) as { paths: Record<string, Record<string, Record<string, unknown>>>; components: { schemas: object } };
  it('describes every endpoint', () => {
    const operations = Object.values(document.paths).flatMap((verbs) => Object.values(verbs).map(({ operationId }) => operationId));
    expect(operations.sort()).toEqual(Object.keys(endpoints).sort());
  });
  it('names each noun once and refers to it', () => {
    expect(dangling(document)).toEqual([]);
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(['Problem', 'RunView', 'PlanView', 'Receipt']));
    expect(JSON.stringify(document)).not.toContain('$defs');
    expect(JSON.stringify(document)).not.toContain('"id":"Run');
  });
  it('says where parameters stand, what is required and who may call', () => {
    const { createRequest, getRun } = Object.fromEntries(Object.values(document.paths).flatMap((verbs) => Object.values(verbs).map((operation) => [operation['operationId'], operation])));
    expect(getRun?.['parameters']).toMatchObject([{ name: 'runId', in: 'path', required: true, schema: { type: 'string' } }, { name: 'wait', in: 'query', required: false, schema: { type: 'number' } }]);
    expect(createRequest).toMatchObject({ 'x-roles': ['editor', 'admin'], requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/PipelineRequest' } } } } });
    expect(createRequest?.['parameters']).toContainEqual(expect.objectContaining({ name: 'Idempotency-Key', in: 'header' }));
    expect(Object.keys(createRequest?.['responses'] as object)).toEqual(['202', 'default']);
  });
  it('is the same text each time', () => { expect(JSON.stringify(openApi(endpoints))).toBe(JSON.stringify(openApi(endpoints))); });
  it('has a page for people', () => { for (const { path } of Object.values(endpoints)) expect(docsPage(endpoints)).toContain(path); });
});

describe('AsyncAPI', () => {
  const document = asyncApi() as { components: { messages: object }; operations: Record<string, { action: string }>; channels: object };
  it('describes every message, and leads nowhere that is not there', () => {
    expect(Object.keys(document.components.messages).sort()).toEqual([...messageTypes].sort());
    expect(dangling(document)).toEqual([]);
  });
  it('tells one service what it writes and reads', () => {
    const own = asyncApi('dag-generator') as typeof document;
    expect(Object.keys(own.operations).sort()).toEqual(['dag-generator.receive.plan.approved.v1', 'dag-generator.send.dag.failed.v1', 'dag-generator.send.dag.published.v1']);
    expect(Object.keys(own.channels).sort()).toEqual(['etl.dag.events', 'etl.pipeline.events']);
    expect(dangling(own)).toEqual([]);
  });
});
