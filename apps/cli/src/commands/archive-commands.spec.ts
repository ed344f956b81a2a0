import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Session } from '../session/session.ts';
import { backupCommand, restoreCommand } from './archive-commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'etl-archive-cli-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
const session = (options: { url?: string } = {}): Session => new Session({ ...options, project: folder }, { cwd: folder, env: {} });

describe.each([['backup', backupCommand], ['restore', restoreCommand]] as const)('%s', (name, command) => {
  it('works on the database, and says so to who names an API', async () => {
    await expect(command(session({ url: 'http://127.0.0.1:8080' }), 'x.backup', {})).rejects.toMatchObject({ message: `${name} works on the database, not on an API.`, next: expect.stringContaining('--state') });
  });
  it('takes no address of another kind', async () => {
    await expect(command(session(), 'x.backup', { state: 'mysql://host/db' })).rejects.toThrow('is no address of a PostgreSQL');
  });
});
