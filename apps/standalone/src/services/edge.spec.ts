import { describe, expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { ownerOf } from './edge-rules.ts';

describe('ownerOf', () => {
  it('sends every endpoint to its owner', () => {
    for (const { method, path, app } of Object.values(endpoints)) if (app !== 'standalone') expect([path, ownerOf(method, `${path.replaceAll(/:\w+/g, 'x')}?a=b`)]).toEqual([path, app]);
  });
  it.each([['GET', '/v1/live?token=x', 'monitor'], ['GET', '/', 'monitor'], ['GET', '/runs/1', 'monitor'], ['GET', '/assets/x.js', 'monitor'], ['DELETE', '/v1/runs', 'orchestrator'], ['GET', '/v1/nothing', 'orchestrator'], ['GET', '/health/ready', 'orchestrator']])(
    'sends %s %s to the %s', (method, url, app) => { expect(ownerOf(method, url)).toBe(app); });
});
