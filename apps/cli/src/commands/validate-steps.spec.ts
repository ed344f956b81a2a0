import { describe, expect, it } from '@jest/globals';
import { readPipelineFile } from '@agent-etl/planning';
import { validateSteps } from './validate-steps.ts';

const pipeline = (steps: string): string => `name: orders\nfrom: { connection: shop, dataset: public.orders }\nto: { connection: files, dataset: orders.csv }\nsteps:\n${steps}`;
const told = async (steps: string): Promise<unknown> => {
  const text = pipeline(steps);
  try { await validateSteps(readPipelineFile(text, 'orders.yaml'), { file: 'orders.yaml', text }); return 'accepted'; } catch (error) {
    const { issues, next } = error as { issues: { code: string; path: string }[]; next: string };
    return { issues: issues.map(({ code, path }) => `${code} ${path}`), next };
  }
};

describe('the texts of steps in a file', () => {
  it('are read without a server, each mistake with its line', async () => {
    expect(await told("  - filter: status <> 'test'\n  - query:\n      sql: |\n        select a.id\n        from input a\n")).toBe('accepted');
    expect(await told('  - filter: "total >"\n  - query:\n      sql: |\n        select id,\n          pivot_me(x)\n        from input\n  - query: { sql: delete from input }\n')).toEqual({
      issues: ['SQL_SYNTAX orders.yaml:5:21', 'SQL_FUNCTION orders.yaml:9:11', 'SQL_NOT_ONE_SELECT orders.yaml:11:19'], next: expect.stringContaining('bracket') });
  });
});
