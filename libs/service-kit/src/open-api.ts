import { type Endpoint, Problem } from '@agent-etl/contracts';
import { z } from 'zod';
import { SchemaComponents } from './schema-components.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of endpoints by name. The same endpoints give the same document. */
export function openApi(endpoints: Readonly<Record<string, Endpoint>>): Json {
  const components = new SchemaComponents('#/components/schemas/');
  const problem = components.of(Problem);
  const paths: Record<string, Json> = {};
  for (const [name, endpoint] of Object.entries(endpoints)) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(name, endpoint, { components, problem }) };
  }
  return {
    openapi: '3.1.0', info: { title: 'Agent-Orchestrated ETL', version: '1' },
    security: [{ bearer: [] }], paths,
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: components.all() },
  };
}

interface Shared { components: SchemaComponents; problem: Json }

function operation(name: string, endpoint: Endpoint, { components, problem }: Shared): Json {
  const body = bodyOf(endpoint, components);
  return {
    operationId: name, summary: endpoint.says, tags: [endpoint.app], 'x-roles': endpoint.roles,
    parameters: [...parameters('path', endpoint.params, components), ...parameters('query', endpoint.query, components), ...keyHeader(endpoint)],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      [endpoint.status]: { description: 'Done.', content: { 'application/json': { schema: components.of(endpoint.response) } } },
      default: { description: 'What went wrong.', content: { 'application/problem+json': { schema: problem } } },
    },
  };
}
const bodyOf = ({ body }: Endpoint, components: SchemaComponents): Json | null => (body instanceof z.ZodUndefined ? null : components.of(body));

function parameters(where: 'path' | 'query', schema: z.ZodType, components: SchemaComponents): Json[] {
  const { properties = {}, required = [] } = components.of(schema) as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, { description, ...rest }]) =>
    ({ name, in: where, required: where === 'path' || required.includes(name), ...(description ? { description } : {}), schema: rest }));
}
const keyHeader = ({ says }: Endpoint): Json[] => (says.includes('Idempotency-Key')
  ? [{ name: 'Idempotency-Key', in: 'header', required: false, description: 'The same key with the same body has one effect.', schema: { type: 'string', maxLength: 128 } }] : []);
