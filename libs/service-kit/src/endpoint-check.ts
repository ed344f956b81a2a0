import { type App, EtlError, endpoints } from '@agent-etl/contracts';
import type { INestApplication } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { endpointOf } from './endpoint-binding.ts';

const PATH_METADATA = 'path'; // what Nest writes on a method that is a route

/** Refuses an application whose REST doors and endpoint definitions differ: a definition without a method, with two, or a route without a definition.
 * @throws EtlError `config.invalid` with one issue per difference */
export function checkEndpoints(app: INestApplication, apps: readonly App[]): void {
  const served = new Map<string, string[]>();
  const problems: string[] = [];
  for (const { name, method } of routesOf(app)) {
    const endpoint = endpointOf(method);
    if (!endpoint) { problems.push(`${name} is a route without @Serves: nobody decided who may call it`); continue; }
    if (endpoint.roles.length === 0) problems.push(`${name} serves an endpoint that no role may call`);
    const key = `${endpoint.method} ${endpoint.path}`;
    served.set(key, [...served.get(key) ?? [], name]);
  }
  for (const { method, path, app: owner } of Object.values(endpoints)) {
    const doors = served.get(`${method} ${path}`) ?? [];
    const isOurs = (apps as readonly string[]).includes(owner);
    if (isOurs && doors.length === 0) problems.push(`${owner} has no method with @Serves for ${method} ${path}`);
    if (doors.length > 1) problems.push(`${method} ${path} is served by ${doors.join(' and ')}`);
  }
  if (problems.length) throw new EtlError('config.invalid', { problems: problems.join('; ') }, { issues: problems.map((text) => ({ code: 'endpoint', path: '/', text })) });
}

function routesOf(app: INestApplication): { name: string; method: object }[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    const prototype = (metatype as { prototype: object; name: string } | null)?.prototype;
    if (!prototype) return [];
    return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor').flatMap((name) => {
      const method = (prototype as Record<string, unknown>)[name];
      return typeof method === 'function' && Reflect.hasMetadata(PATH_METADATA, method) ? [{ name: `${metatype!.name}.${name}`, method }] : [];
    });
  });
}
