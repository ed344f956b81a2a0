import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createProjectGraphAsync, type ProjectGraph } from '@nx/devkit';
import { ESLint } from 'eslint';
import { waivers } from './waivers.mjs';

const root = join(import.meta.dirname, '..', '..');
const eslint = new ESLint({ cwd: root });
let graph: ProjectGraph;

/** Lints a text as if it stood in an existing file. */
async function lint(file: string, text: string): Promise<{ ruleId: string | null; message: string }[]> {
  expect(existsSync(join(root, file))).toBe(true);
  const [result] = await eslint.lintText(text, { filePath: join(root, file) });
  return result?.messages ?? [];
}
/** The rules that fired. */
const fired = async (file: string, text: string): Promise<(string | null)[]> => (await lint(file, text)).map(({ ruleId }) => ruleId);

describe('the walls', () => {
  beforeAll(async () => { graph = await createProjectGraphAsync({ exitOnError: false }); }); // a cold cache would switch the boundary rule off

  it.each([
    ['libs/orchestrator/src/index.ts', `import '@agent-etl/monitor';`, '@nx/enforce-module-boundaries'],
    ['libs/etl-worker/src/index.ts', `import '@agent-etl/orchestrator';`, '@nx/enforce-module-boundaries'],
    ['libs/planning/src/index.ts', `import '@agent-etl/persistence';`, '@nx/enforce-module-boundaries'],
    ['libs/persistence/src/index.ts', `import '@agent-etl/sql-safety';`, '@nx/enforce-module-boundaries'],
    ['libs/contracts/src/index.ts', `import 'rxjs';`, '@nx/enforce-module-boundaries'],
    ['libs/orchestrator/src/index.ts', `import 'pg';`, '@nx/enforce-module-boundaries'],
    ['libs/monitor/src/index.ts', `import '@duckdb/node-api';`, '@nx/enforce-module-boundaries'],
    ['libs/etl-worker/src/index.ts', `import '@aws-sdk/client-secrets-manager';`, '@nx/enforce-module-boundaries'],
    ['libs/connectors/src/index.ts', `import 'typeorm';`, '@nx/enforce-module-boundaries'],
    ['libs/dag-rendering/src/index.ts', `import '@nestjs/common';`, '@nx/enforce-module-boundaries'],
    ['libs/messaging/src/index.ts', `import 'kafkajs';`, 'no-restricted-imports'],
    ['libs/orchestrator/src/index.ts', `import 'typeorm';`, 'no-restricted-imports'],
    ['libs/orchestrator/src/runs/runs.handler.ts', `import './runs.repository.ts';`, 'no-restricted-imports'],
    ['libs/orchestrator/src/runs/run-state.ts', `import '@nestjs/common';`, 'no-restricted-imports'],
    ['libs/orchestrator/src/runs/run-state.ts', `export const now = Date.now();`, 'no-restricted-globals'],
    ['libs/planning/src/index.ts', `import 'node:fs';`, 'no-restricted-imports'],
    ['libs/orchestrator/src/index.ts', `import '@agent-etl/messaging/testing';`, 'no-restricted-imports'],
    ['libs/monitor/src/index.ts', `export const folder = process.env['FOLDER'];`, 'no-restricted-properties'],
    ['libs/monitor/src/index.ts', `export default 1;`, 'no-restricted-syntax'],
    ['libs/monitor/src/index.ts', `export * from './monitor.module.ts';`, 'no-restricted-syntax'],
    ['libs/monitor/src/index.ts', `export const load = (name: string, isFull: boolean): string => name + isFull;`, 'no-restricted-syntax'],
    ['libs/monitor/src/index.ts', `async function go(): Promise<void> {}\nexport function start(): void { go(); }`, '@typescript-eslint/no-floating-promises'],
    ['libs/orchestrator/src/runs/run-view.ts', `import './runs.service.ts';`, 'import-x/no-cycle'], // which imports run-view.ts
  ])('refuse, in %s, %s', async (file, text, rule) => { expect(await fired(file, text)).toContain(rule); });

  it.each([
    ['by the name of its package', `import '@agent-etl/dag-generator-app/src/main.ts';`, 'Imports of apps are forbidden'],
    ['by its path', `import '../../../apps/orchestrator/src/main.ts';`, 'Projects cannot be imported by a relative or absolute path'],
  ])('refuse that a feature reaches an app %s', async (_, text, message) => {
    expect(await lint('libs/orchestrator/src/index.ts', text)).toEqual([expect.objectContaining({ ruleId: '@nx/enforce-module-boundaries', message: expect.stringContaining(message) as unknown })]);
  });
  it.each([
    ['max-lines', 400, (lines: number) => 'export {};\n'.repeat(lines)],
    ['max-lines-per-function', 50, (lines: number) => `export function long(): void {\n${'  void 0;\n'.repeat(lines - 2)}}\n`],
  ])('refuse by %s what is longer than %d lines, and nothing shorter', async (rule, most, text) => {
    expect([await fired('libs/monitor/src/index.ts', text(most)), await fired('libs/monitor/src/index.ts', text(most + 1))]).toEqual([[], [rule]]);
  });

  it('let a good import pass', async () => {
    expect(await fired('libs/orchestrator/src/index.ts', `import '@agent-etl/planning';\nimport '@agent-etl/contracts';`)).toEqual([]);
  });
  it('stand around every project: one tag of each kind', () => {
    const wrong = Object.values(graph.nodes).filter(({ data }) => ['layer:', 'vendor:', 'runtime:'].some((kind) =>
      (data.tags ?? []).filter((tag) => tag.startsWith(kind)).length !== 1)).map(({ name }) => name);
    expect(wrong).toEqual([]);
    expect(Object.keys(graph.nodes).length).toBeGreaterThan(20);
  });
  it('have no waiver that is not needed', async () => {
    const bare = new ESLint({ cwd: root, overrideConfig: waivers.map(({ file, rule, options }) => ({ files: [file], rules: { [rule]: ['error', ...(options ?? [])] } })) });
    for (const { file, rule, reason } of waivers) {
      expect(reason.length).toBeGreaterThan(10);
      const [result] = await bare.lintFiles([join(root, file)]);
      expect([file, ...(result?.messages ?? []).map(({ ruleId }) => ruleId)]).toContain(rule);
    }
  });
});

describe('the root of the repository', () => {
  const allowed = ['.ci', '.dockerignore', '.gitattributes', '.github', '.gitignore', '.npmrc', 'CODE_OF_CONDUCT.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'apps', 'deploy', 'docs', 'eslint.config.mjs', 'jest.preset.mjs', 'libs', 'nx.json',
    'package-lock.json', 'package.json', 'tools', 'tsconfig.base.json'];
  const made = ['.git', '.nx', '.cache', '.demo', '.agent-etl', '.bench', 'coverage', 'dist', 'node_modules'];
  it('holds what belongs there and nothing else', () => {
    expect(readdirSync(root).filter((name) => !allowed.includes(name) && !made.includes(name))).toEqual([]);
  });
  it('locks every package without the address it came from', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "https?:/);
  });
});
