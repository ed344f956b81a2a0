import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FolderManifest } from './folder-manifest.ts';
import { indexOf } from './partitioned-piece.ts';
import { sha256Of } from './sha256-of.ts';
import { StagedFolder } from './staged-folder.ts';

const KEY = 'a'.repeat(64);
const RUN = '00000000-0000-4000-8000-000000000001';

describe('a piece with partitions', () => {
  const bases: string[] = [];
  let base = '';
  beforeEach(async () => { base = await mkdtemp(join(tmpdir(), 'etl-staged-')); bases.push(base); });
  afterAll(async () => { for (const each of bases) await rm(each, { recursive: true, force: true }); });

  async function written(text: string): Promise<{ staged: StagedFolder; sha256: string }> {
    const staged = new StagedFolder(join(base, 'out'), '.csv', RUN);
    await staged.make();
    const piece = staged.open(KEY, 1);
    await mkdir(piece);
    await writeFile(join(piece, '0'), text);
    const sha256 = await sha256Of(join(piece, '0'));
    await writeFile(indexOf(piece), JSON.stringify([{ file: '0', values: ['a'], rows: 1, sha256 }]));
    await staged.keep(KEY, 1);
    return { staged, sha256 };
  }

  it('is kept anew where the ledger has not heard of the first one, as after an answer that was lost', async () => {
    await written('first\n');
    const { staged } = await written('second\n');
    const [piece, ...others] = await staged.staged();
    expect(others).toEqual([]);
    expect(await readFile(piece!.parts[0]!.path, 'utf8')).toBe('second\n');
  });

  it('goes through no link that stands where the folder of its partition should be', async () => {
    const { staged, sha256 } = await written('first\n');
    const elsewhere = join(base, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, join(base, 'out', 'k=a'));
    const manifest: FolderManifest = { version: 1, runId: RUN, format: 'csv', rows: 1, bytes: 6, digest: null, columns: [], partitionBy: ['k'], parts: [{ name: `k=a/${staged.partName(sha256, 0)}`, rows: 1, bytes: 6, sha256 }] };
    await staged.announce(manifest);
    await expect(staged.publish(manifest)).rejects.toMatchObject({ code: 'file.forbidden' });
    expect(await readdir(elsewhere)).toEqual([]);
  });
});
