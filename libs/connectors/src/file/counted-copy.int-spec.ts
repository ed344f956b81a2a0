import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Expr, LoadTask, Order } from '@agent-etl/contracts';
import { type LoweredStep, fuseSteps } from '@agent-etl/sql-safety';
import { type AFolder, aFolder, aLoad, aWriter, mappedToFile } from './testing/a-folder.ts';

const { signal } = new AbortController();
const col = (name: string): Expr => ({ k: 'col', name });
const int = (v: string): Expr => ({ k: 'lit', t: { kind: 'i64' }, v });
const compare = (op: '<' | '>', name: string, v: string): LoweredStep => ({ op: 'filter', where: { k: 'bin', op, l: col(name), r: int(v) } });
const few = compare('<', 'part', '3');
const counting = (by: string, as: string): LoweredStep => ({ op: 'group', by: [by], measures: [{ as, fn: 'count', arg: null, where: null }] });
const group = counting('part', 'n');
const order: Order[] = [{ e: col('id'), dir: 'asc', nulls: 'last' }];
const dedupe: LoweredStep = { op: 'first', keys: ['part'], order };
const limit: LoweredStep = { op: 'limit', order, n: 5, offset: 0 };
const shapes: readonly (readonly [what: string, steps: readonly LoweredStep[], counted: 'on the way' | 'by a statement', reached: readonly [number, number], rows: number])[] = [
  ['a filter', [few], 'on the way', [10_000, 3_000], 3_000], ['two filters', [few, compare('>', 'id', '4999')], 'on the way', [10_000, 1_500], 1_500],
  ['a group', [group], 'on the way', [10_000, 10_000], 10], ['a filter and a group', [few, group], 'on the way', [10_000, 3_000], 3],
  ['a filter behind a group', [group, few], 'by a statement', [10_000, 10_000], 3], ['two groups', [few, group, counting('n', 'm')], 'on the way', [10_000, 3_000], 1],
  ['the first of each key', [few, dedupe], 'on the way', [10_000, 3_000], 3], ['a limit', [few, limit], 'on the way', [10_000, 3_000], 5],
  ['a filter that keeps nothing', [compare('<', 'part', '0')], 'on the way', [10_000, 0], 0], ['one that can keep nothing', [few, compare('>', 'part', '8')], 'by a statement', [10_000, 0], 0],
];

describe('rows that steps over text files see and keep', () => {
  let folder: AFolder;
  beforeAll(async () => {
    folder = await aFolder();
    const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, part: id % 10, name: `"n", ${id}\n` }));
    await folder.write('in.csv', `id,part,name\n${rows.map(({ id, part, name }) => `${id},${part},"${name.replaceAll('"', '""')}"`).join('\n')}\n`);
    await folder.write('in.ndjson', rows.map((row) => JSON.stringify(row)).join('\n'));
  });
  afterAll(() => folder.drop());

  it.each(['in.csv', 'in.ndjson'].flatMap((file) => shapes.map(([what, ...shape]) => [what, file, ...shape] as const)))('%s of %s', async (_, file, steps, counted, [seen, kept], out) => {
    const connection = await folder.open();
    const profile = await connection.profile(file, 'source');
    const { columns, stages } = fuseSteps(steps, new Map(profile.columns.map(({ name, type }) => [name, type])), { dialect: 'duckdb' });
    const mapped = mappedToFile(columns.map(({ name, type }) => ({ name, type, native: 'BIGINT', nullable: true })));
    const task: LoadTask = aLoad(profile, 'out.parquet', { transform: { input: profile.columns, stages: [...stages] }, columns: mapped });
    const [source, sink] = [await connection.source.begin(task, null), await connection.sink.begin(task, aWriter())];
    try {
      const [range] = await source.cut();
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const writer = await sink.begin(range!);
      if (writer === 'done') throw new Error('it was written before');
      const copied = await writer.copyFile(source.scan(), signal);
      await writer.abort(new Error('enough'));
      const read = await source.read(range!, { to: { write: () => true, drained: async () => undefined }, onRead: () => undefined, signal });
      const asked = await source.reached?.([range!], signal);
      expect(asked).toEqual({ seen, kept });
      for (const one of [copied, read]) expect([one.rows, one.reached ?? null]).toEqual([out, counted === 'on the way' ? asked : null]);
    } finally {
      await sink.close();
      await source.close();
      await connection.close();
    }
  });
  it('says row, column and value of a cell that a step cannot cast, and blames no target for it', async () => {
    await folder.write('bad.csv', 'id,part\n1,2\n2,x\n');
    const connection = await folder.open();
    const profile = await connection.profile('bad.csv', 'source');
    const { columns, stages } = fuseSteps([compare('>', 'id', '0'), { op: 'cast', column: 'part', to: { kind: 'i32' }, onError: 'fail' }], new Map(profile.columns.map(({ name, type }) => [name, type])), { dialect: 'duckdb' });
    const task: LoadTask = aLoad(profile, 'out.parquet', { transform: { input: profile.columns, stages: [...stages] }, columns: mappedToFile(columns.map(({ name, type }) => ({ name, type, native: 'BIGINT', nullable: true }))) });
    const [source, sink] = [await connection.source.begin(task, null), await connection.sink.begin(task, aWriter())];
    const [range] = await source.cut();
    await sink.raise();
    await sink.prepare({ fresh: 'start-over' });
    const writer = await sink.begin(range!);
    await expect(writer === 'done' ? null : writer.copyFile(source.scan(), signal)).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'part', value: 'x' }, details: { next: expect.stringContaining('onError: null') as unknown } });
    await connection.close();
  });
});
