import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { restore } from './state-archive.ts';

describe('restore', () => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'etl-restore-')); });
  afterEach(async () => { await rm(folder, { recursive: true, force: true }); });

  it.each([['a damaged file', 'agent-etl backup 1\nH'], ['a file that is not there', null]])('makes nothing of %s: no folder, no server', async (_, content) => {
    const file = join(folder, 'bad.backup');
    if (content !== null) await writeFile(file, content);
    await expect(restore({ projectDir: join(folder, 'other'), file, stateUrl: null, passwordFile: undefined, keyFile: null, onTable: () => undefined })).rejects.toMatchObject({ code: 'backup.invalid' });
    expect(await readdir(folder)).toEqual(content === null ? [] : ['bad.backup']);
  });
});
