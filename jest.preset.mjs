import { join } from 'node:path';
import { swc } from './tools/swc.mjs';

/** Settings of every project's tests: native ES modules, no mocks of our own code, specs beside their source. */
export const preset = (name, extra = {}) => ({
  displayName: name, rootDir: '.', testEnvironment: 'node', extensionsToTreatAsEsm: ['.ts'], testTimeout: 30_000,
  transform: { '^.+\\.ts$': ['@swc/jest', swc] }, testMatch: ['<rootDir>/src/**/*.spec.ts'],
  reporters: ['default', join(import.meta.dirname, 'tools', 'test-report.mjs')], ...extra,
});
