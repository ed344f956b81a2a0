import { describe, expect, it } from '@jest/globals';
import { environmentOf } from './feature-services.ts';

describe('the environment of the services', () => {
  it('names the project file also where there is none yet: who is told to write it is not told to restart', () => {
    expect(environmentOf('/nowhere/at/all', '/keys/signing.pem')).toMatchObject({ ETL_ORCHESTRATOR_PROJECT: '/nowhere/at/all/agent-etl.yaml', ETL_ORCHESTRATOR_SIGNING_KEY_FILE: '/keys/signing.pem' });
  });
});
