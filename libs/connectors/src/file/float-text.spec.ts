import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AFolder, aFolder, aLoad, aWriter, stage } from './testing/a-folder.ts';

let folder: AFolder;
beforeAll(async () => { folder = await aFolder(); });
afterAll(async () => { await folder.drop(); });

/** What the text carrier says of a column of doubles. */
async function carried(doubles: readonly number[]): Promise<string[]> {
  await folder.write('f.csv', `x\n${doubles.map((double) => (Object.is(double, -0) ? '-0' : String(double))).join('\n')}\n`);
  const open = await folder.open();
  const profile = await open.profile('f.csv', 'source');
  const columns = [{ name: 'x', type: { kind: 'f64' as const }, native: 'DOUBLE', nullable: true }];
  const task = aLoad({ ...profile, columns }, 'u.parquet', { carrier: 'text' });
  const session = await open.source.begin(task, null);
  const parts: Uint8Array[] = [];
  const to = { write: (bytes: Uint8Array) => { parts.push(Uint8Array.from(bytes)); return true; }, drained: async () => undefined };
  const [range] = await session.cut();
  if (!range) throw new Error('no piece');
  await session.read(range, { to, onRead: () => undefined, signal: new AbortController().signal });
  await session.close();
  return Buffer.concat(parts).toString().trim().split('\n').map((cell) => cell.slice(1, -1));
}
const numberOf = (text: string): number => (/inf|nan/i.test(text) ? Number(text.toLowerCase().replace('inf', 'Infinity').replace('nan', 'NaN')) : Number(text));
const order = (a: number, b: number): number => (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b) ? 1 : 0) || (Object.is(a, -0) ? -1 : 0) - (Object.is(b, -0) ? -1 : 0) || a - b;

/** What a file of objects says of them; it is staged, not published. */
async function written(ending: 'ndjson' | 'json'): Promise<number[]> {
  const open = await folder.open();
  const profile = await open.profile('f.csv', 'source');
  const task = aLoad({ ...profile, columns: [{ name: 'x', type: { kind: 'f64' as const }, native: 'DOUBLE', nullable: true }] }, `u.${ending}`);
  const sink = await open.sink.begin(task, aWriter());
  await stage(open, sink, task);
  const [name = ''] = (await readdir(folder.root)).filter((each) => each.startsWith('.u.'));
  const content = await readFile(join(folder.root, name), 'utf8');
  await sink.discard();
  const objects = (ending === 'json' ? JSON.parse(content) : content.trim().split('\n').map((line) => JSON.parse(line) as unknown)) as { x: number | 'NaN' | 'Infinity' | '-Infinity' }[];
  return objects.map(({ x }) => Number(x));
}

it('leaves every double exactly as it was, the powers of two that DuckDB prints wrongly among them', async () => {
  const powers = Array.from({ length: 2_098 }, (_, exponent) => 2 ** (exponent - 1_074)).flatMap((power) => [power, -power]);
  const random = fc.sample(fc.double(), 30_000);
  const all = [...powers, ...random, 0.1, -0, Number.MAX_VALUE, Number.MIN_VALUE, 1e21, NaN, Infinity, -Infinity];
  const texts = await carried(all);
  const sorted = [...all].sort(order);
  expect(texts.map(numberOf).sort(order)).toEqual(sorted);
  for (const ending of ['ndjson', 'json'] as const) expect((await written(ending)).sort(order)).toEqual(sorted);
});
