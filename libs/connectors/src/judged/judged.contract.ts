import { expect } from '@jest/globals';
import { type Judging, type LoadTask, type QuarantinedRow, digestText } from '@agent-etl/contracts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { OpenConnection, SinkSession, Writer } from '../port.ts';
import { JudgedRows } from './judged-rows.ts';

const { signal } = new AbortController();
const NASTY = 'no "good"\nat, \\all é 😀';
/** Rows of a dataset with the columns id, label and note, and what is wrong with some of them. */
export const JUDGED_ROWS: readonly (readonly (string | null)[])[] = [
  ['1', 'a', 'ok'], ['2', null, 'ok'], ['3', 'b', NASTY], ['4', 'a', 'ok'], ['9', 'c', 'ok'], ['5', 'd', null], ['6', null, 'bad'], ['7', 'e', 'ok'], ['8', 'b', 'ok'],
];
const WRONG: readonly (readonly [id: number, reason: string])[] = [[2, 'not_null:label'], [3, 'in:note'], [4, 'unique:label'], [6, 'not_null:label'], [9, 'range:id']];
export const judgingOf = (bad: Judging['bad']): Judging => ({
  pipeline: 'judged', bad, atMost: bad === 'aside' ? { of: 'share', percent: 100 } : null,
  checks: [{ check: 'not_null', column: 'label' }, { check: 'in', column: 'note', values: ['ok', 'fine'] }, { check: 'range', column: 'id', from: '1', to: '8' }, { check: 'unique', columns: ['label'] }],
});

export interface JudgedCopy { readonly source: OpenConnection; readonly sink: OpenConnection; readonly load: LoadTask; readonly writer: Writer }
async function move({ source, load }: JudgedCopy, sink: SinkSession): Promise<string> {
  const session = await source.source.begin(load, null);
  try {
    const [range, ...more] = await session.cut();
    expect(more).toEqual([]);
    const piece = await sink.begin(range!);
    if (piece === 'done') throw new Error('nothing was written yet');
    const judged = new JudgedRows(piece.to, load.judging!.bad, join(tmpdir(), `aside-${randomUUID()}`));
    try {
      const count = await session.read(range!, { to: judged, onRead: () => undefined, signal });
      judged.end(count);
      expect(await piece.commit({ rows: count.rows, rejected: judged.aside.rows, bytes: count.bytes, digest: count.digest, aside: judged.aside })).toBe('written');
      return digestText(count.digest ?? await session.digest([range!], signal));
    } catch (cause) {
      await piece.abort(cause);
      throw cause;
    } finally {
      judged.aside.drop();
    }
  } finally {
    await session.close();
  }
}
/** Copies judged rows: the good ones are staged and hashed, the bad ones are with the target, each once, with the row as it was read. */
export async function setsAside(copy: JudgedCopy): Promise<void> {
  const { sink: target, load, writer } = copy;
  const sink = await target.sink.begin(load, writer);
  await sink.raise();
  await sink.prepare({ fresh: 'start-over' });
  await move(copy, sink);
  await sink.prepare({ fresh: 'start-over' }); // what it had set aside goes with its picture
  const read = await move(copy, sink);
  const good = JUDGED_ROWS.length - WRONG.length;
  expect((await sink.ledger()).map(({ rows, rejected }) => [rows, rejected])).toEqual([[good, WRONG.length]]);
  const publish = { id: 'publish', kind: 'publish' as const, engine: load.engine, load: load.id, source: load.source, target: load.target, columns: load.columns, how: 'rename' as const, key: null, keyFromSource: false, level: 'full' as const, digest: load.digest };
  expect(digestText(await sink.stagedDigest(publish, signal))).toBe(read);
  expect((await sink.aside!()).map(({ reason, rows }) => [reason, rows])).toEqual([['not_null:label', 2], ['in:note', 1], ['range:id', 1], ['unique:label', 1]]);
  await sink.discard(); // the run may fail: what was set aside stays
  await sink.close();
  const { rows } = await target.sink.quarantine!(load.target.dataset, { pipeline: 'judged', runId: null, want: 'rows', after: 0, limit: 100, waiting: 'all' });
  expect(rows.map(shown).sort(([a], [b]) => a - b)).toEqual(WRONG);
  expect(cells(rows.find(({ reason }) => reason === 'in:note')!)).toMatchObject({ label: 'b', note: NASTY });
  if (target.sink.accepts[0] !== 'text' || !target.sink.accepts.includes('file')) await bringsBack(copy, rows.map(({ id }) => id)); // a finished file takes no rows back
}
/** Rows come back beside what their own run has published, whoever asks, and once. @param red ids of rows of a run that published nothing */
async function bringsBack(copy: JudgedCopy, red: readonly number[]): Promise<void> {
  const { sink: target, load } = copy;
  const publish = { id: 'publish', kind: 'publish' as const, engine: load.engine, load: load.id, source: load.source, target: load.target, columns: load.columns, how: 'rename' as const, key: null, keyFromSource: false, level: 'counts' as const, digest: load.digest };
  const rows = JUDGED_ROWS.length - WRONG.length;
  const runs = Array.from({ length: 5 }, () => randomUUID());
  const run = async (nth: number, more: object): Promise<string> => {
    const runId = runs[nth - 1]!;
    const sink = await target.sink.begin({ ...load, judging: { ...load.judging!, bad: 'aside' } }, { ...copy.writer, runId });
    await sink.raise();
    await sink.prepare({ fresh: 'start-over' });
    await move(copy, sink);
    const answer = await sink.publish({ ...publish, ...more }, { rows, digest: null }).then(() => 'published', (error: { code?: string; message: string }) => `${error.code}: ${error.message}`);
    await sink.discard();
    await sink.close();
    return answer;
  };
  const back = (ids: readonly number[]) => ({ replays: { pipeline: 'judged', rows: ids.join(',') } });
  expect(await run(1, back(red))).toMatch(/^request\.conflict: .*published nothing/);
  expect(await run(2, {})).toBe('published');
  const { rows: all } = await target.sink.quarantine!(load.target.dataset, { pipeline: 'judged', runId: runs[1] as never, want: 'rows', after: 0, limit: 100, waiting: 'only' });
  const green = all.map(({ id }) => id);
  expect(green).toHaveLength(WRONG.length);
  expect(await run(3, { how: 'append', ...back([...green, red[0]!].sort((one, other) => one - other)) })).toMatch(/^request\.conflict/); // one of them is enough
  expect(await run(4, { how: 'append', ...back(green) })).toBe('published');
  expect(await run(5, { how: 'append', ...back(green) })).toMatch(/^request\.conflict/);
}

const cells = ({ raw }: QuarantinedRow): Record<string, unknown> => JSON.parse(raw) as Record<string, unknown>;
const shown = (row: QuarantinedRow): [id: number, reason: string] => [Number(cells(row)['id']), row.reason];

/** The first bad row ends a load that sets nothing aside: by its reason, its value only in the cell. */
export async function stopsAtBadRow(copy: JudgedCopy): Promise<void> {
  const sink = await copy.sink.sink.begin(copy.load, copy.writer);
  await sink.raise();
  await sink.prepare({ fresh: 'start-over' });
  const failure = await move(copy, sink).then(() => null, (error: unknown) => error as { code: string; message: string; cell: { column: string } });
  expect(failure).toMatchObject({ code: 'data.check-failed', cell: { column: expect.stringMatching(/^(label|note|id)$/) as unknown } });
  expect(failure?.message).not.toContain(NASTY);
  expect(await sink.ledger()).toEqual([]);
  await sink.discard();
  await sink.close();
}
