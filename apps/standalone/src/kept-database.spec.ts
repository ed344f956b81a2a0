import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { stateDatabaseOf } from './kept-database.ts';
import { homeOf } from './project-lock.ts';

describe('the database of the state', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etl-state-'));
    await mkdir(homeOf(folder));
  });
  afterEach(async () => { await rm(folder, { recursive: true, force: true }); });

  it('is the usual one, until another one is named', async () => {
    expect([await stateDatabaseOf(folder, null), await stateDatabaseOf(folder, null)]).toEqual(['agent_etl', 'agent_etl']);
    expect([await stateDatabaseOf(folder, 'demo_state_1'), await stateDatabaseOf(folder, null)]).toEqual(['demo_state_1', 'demo_state_1']);
    expect([await stateDatabaseOf(folder, 'demo_state_2'), await stateDatabaseOf(folder, null)]).toEqual(['demo_state_2', 'demo_state_2']);
  });
});
