import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EtlError, type Judging } from '@agent-etl/contracts';
import { join } from 'node:path';
import { withRow } from './refused-row.ts';
import { type AFolder, aFolder } from './testing/a-folder.ts';

let folder: AFolder;
beforeAll(async () => {
  folder = await aFolder();
  await folder.write('long.ndjson', `{"v":"a"}\n{"v":"${'x'.repeat(5 * 2 ** 20)}"}\n`);
});
afterAll(() => folder.drop());

it.each<[string, Judging['checks'], string]>([
  ['named', [{ check: 'not_null', column: 'v' }], 'data.row-too-large'], ['not blamed where many rows are held beside it', [{ check: 'unique', columns: ['v'] }], 'query.memory-exceeded'],
])('a long row is %s', async (_, checks, code) => {
  const files = [{ name: 'long.ndjson', path: join(folder.root, 'long.ndjson') }];
  const plan = { format: 'ndjson', compression: 'none', columns: [] } as never;
  const error = await withRow(new EtlError('query.memory-exceeded'), { dataset: 'long.ndjson', files: files as never, plan, columns: [], scratch: folder.tools.scratch, judging: { bad: 'aside', checks } as never });
  expect((error as EtlError).code).toBe(code);
});
