import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

const vega = fileURLToPath(new URL('../../../../node_modules/vega-datasets/data', import.meta.url));
const { signal } = new AbortController();

describe('three million flights', () => {
  let folder: AFolder;
  beforeAll(async () => {
    folder = await aFolder();
    await copyFile(join(vega, 'flights-3m.parquet'), join(folder.root, 'flights.parquet'));
  });
  afterAll(async () => { await folder.drop(); });

  it.each([['flights.parquet', 'copy.csv.gz', 'file'], ['copy.csv.gz', 'copy.parquet', 'text'], ['copy.parquet', 'again.parquet', 'file']] as const)(
    'go from %s to %s with equal digests', async (from, to, carrier) => {
      const open = await folder.open();
      const marks: string[] = [];
      let at = performance.now();
      const mark = (name: string) => { marks.push(`${name} ${Math.round(performance.now() - at)} ms`); at = performance.now(); };
      const source = await open.profile(from, 'source');
      mark('profile');
      expect(source.rows).toBeGreaterThan(2_400_000);
      const task = aLoad(source, to, { carrier });
      const sink = await open.sink.begin(task, aWriter());
      const { rows, digest } = await stage(open, sink, task);
      mark('copy and source digest');
      const publish = aPublish(task);
      const staged = await sink.stagedDigest(publish, signal);
      mark('target digest');
      expect({ rows, staged: staged.rows, digest: `${staged.a}:${staged.b}` }).toEqual({ rows: 3_000_000, staged: 3_000_000, digest });
      expect(await sink.publish(publish, { rows, digest: staged })).toMatchObject({ published: 3_000_000 });
      expect((await stat(join(folder.root, to))).size).toBeGreaterThan(1_000_000);
      process.stdout.write(`${from} -> ${to}: ${marks.join(', ')}\n`);
    }, 120_000);
});
