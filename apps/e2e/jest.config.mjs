import { preset } from '../../jest.preset.mjs';

export default preset('e2e-app', { testTimeout: 120_000, testMatch: ['<rootDir>/src/**/*.e2e-spec.ts'] });
