import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BUCKETS, type ColumnMapping, type Digest, type LoadTask, type Profile, type PublishTask, addDigests, digestText, isBinary, keepsAside, modesOfSome } from '@agent-etl/contracts';
import { randomUUID } from 'node:crypto';
import type { BucketSum, ByteTarget, ChunkRange, OpenConnection, SinkSession, SourceSession, Writer } from './port.ts';
import { JUDGED_ROWS, judgingOf, setsAside, stopsAtBadRow } from './judged/judged.contract.ts';
import { pairCases, sinkCases, sourceCases } from './conformance-cases.ts';
import { type ConnectorName, connectors, mapColumnType } from './registry.ts';

/** What the suite needs to hold a connector to its ports. A dataset has the columns of its first row; `id` is a number, every other value a text or nothing. */
export interface ConnectorHarness {
  open(): Promise<OpenConnection>;
  make(name: string, columns: readonly string[], rows: readonly (readonly (string | null)[])[]): Promise<string>;
  /** A name for a target that is not there yet. */
  target(name: string): string;
  addColumn(dataset: string): Promise<void>;
  /** Staging and backends that are still there. */
  leftovers(): Promise<number>;
  close(): Promise<void>;
}
/** Null where the server of a connector is not there: its part is skipped, and whoever says null says so aloud. */
export type Harnesses = { readonly [C in ConnectorName]: (() => Promise<ConnectorHarness>) | null };

const { signal } = new AbortController();
const ROWS: readonly (readonly (string | null)[])[] = [
  ['1', 'plain', null], ['2', '', 'NULL'], ['3', 'a,"b"\n\\N \\. \r\n', 'é 日本 😀 ~'], ['4', '\\.', ' blanks '], ['5', 'x'.repeat(1_000_000), null], ['6', 'twin', 'twin'], ['6', 'twin', 'twin'],
];
const codeOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'resolved', (error: { code?: string; message: string }) => error.code ?? error.message);

interface Ends { readonly source: ConnectorName; readonly sink: ConnectorName }
const carrierOf = ({ source, sink }: Ends, columns: readonly ColumnMapping[]): LoadTask['carrier'] => {
  if (sink === 'postgres' && (source === 'postgres' || (source === 'file' && isBinary(columns)))) return 'frames';
  return source === sink && source === 'file' ? 'file' : 'text';
};
const mapped = (profile: Profile, sink: ConnectorName): ColumnMapping[] => profile.columns.map((column) => ({
  source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: profile.connector === sink ? column.native : mapColumnType(sink, column)?.native ?? '', nullable: column.nullable,
}));
function loadOf(profile: Profile, dataset: string, ends: Ends): LoadTask {
  const columns = mapped(profile, ends.sink);
  const spliced = ends.source === 'postgres' && ends.sink === 'postgres';
  return {
    id: 'load', kind: 'load', engine: spliced ? 'splice' : ends.source === 'file' || ends.sink === 'file' ? 'duckdb' : 'stream', source: { connection: profile.connection, dataset: profile.dataset }, target: { connection: profile.connection, dataset }, columns,
    carrier: carrierOf(ends, columns), chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 }, sourceFingerprint: profile.fingerprint, options: profile.options, digest: spliced ? 'pg-frame' : 'text-md5',
  };
}
const publishOf = (load: LoadTask, sink: ConnectorName): PublishTask => ({
  id: 'publish', kind: 'publish', engine: load.engine, load: load.id, source: load.source, target: load.target, columns: load.columns, how: sink === 'file' ? 'file' : 'rename', key: null, keyFromSource: false, level: 'full', digest: load.digest,
});
const writerOf = (more: Partial<Writer> = {}): Writer => ({ runId: randomUUID(), task: 'load', attempt: 1, holder: 'conformance', ...more });

async function move(session: SourceSession, sink: SinkSession, { range, load }: { range: ChunkRange; load: LoadTask }): Promise<'written' | 'redo' | 'done'> {
  const writer = await sink.begin(range);
  if (writer === 'done') return 'done';
  try {
    const count = load.carrier === 'file' ? await writer.copyFile(session.scan(), signal) : await session.read(range, { to: reusing(writer.to), onRead: () => undefined, signal });
    return await writer.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: count.digest });
  } catch (cause) {
    await writer.abort(cause);
    throw cause;
  }
}
/** Copies a dataset as a worker does, up to the point where staging equals the source. */
/** A reader that overwrites its bytes as soon as the target says that it may: whoever still needed them stages something else. */
function reusing(to: ByteTarget): ByteTarget {
  const lent: Buffer[] = [];
  const scribble = (): void => { for (const bytes of lent.splice(0)) bytes.fill(0xee); };
  const write = (bytes: Uint8Array): boolean => {
    lent.push(Buffer.from(bytes));
    const isTaken = to.write(lent.at(-1)!);
    if (isTaken) scribble();
    return isTaken;
  };
  return { write, drained: async () => { await to.drained(); scribble(); } };
}
async function stage(open: { source: OpenConnection; sink: OpenConnection }, load: LoadTask, writer: Writer): Promise<{ sink: SinkSession; staged: Digest; ranges: ChunkRange[] }> {
  const session = await open.source.source.begin(load, null);
  try {
    const sink = await open.sink.sink.begin(load, writer);
    await sink.raise();
    await sink.prepare({ fresh: 'start-over' });
    const ranges = await session.cut();
    for (const range of ranges) expect(await move(session, sink, { range, load })).toBe('written');
    const hashed = (await sink.ledger()).flatMap(({ digest }) => digest ?? []);
    const read = hashed.length === ranges.length ? addDigests(load.digest, hashed) : await session.digest(ranges, signal);
    const staged = await sink.stagedDigest(publishOf(load, 'postgres'), signal);
    expect(digestText(staged)).toBe(digestText(read));
    return { sink, staged, ranges };
  } finally {
    await session.close();
  }
}

/** Half of the buckets by the key, all of them by two columns, half by the whole row, at both ends of a load. */
async function samplesAlike(open: { source: OpenConnection; sink: OpenConnection }, planned: LoadTask, into: ConnectorName): Promise<void> {
  const load: LoadTask = { ...planned, digest: 'text-md5', level: 'sampled' };
  const session = await open.source.source.begin(load, null);
  const sink = await open.sink.sink.begin(load, writerOf());
  const sorted = (sums: readonly BucketSum[]): BucketSum[] => [...sums].sort((one, other) => Number(one.bucket) - Number(other.bucket));
  const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
  try {
    await sink.raise();
    await sink.prepare({ fresh: 'start-over' });
    const ranges = await session.cut();
    for (const range of ranges) await move(session, sink, { range, load });
    const task = publishOf(load, into);
    const row = load.columns.map((_, place) => place);
    const half = all.slice(0, BUCKETS / 2);
    for (const [key, buckets] of [[[0], half], [[1, 0], all], [row, half]] as const) {
      const sample = { buckets, key, by: 'md5' as const };
      const here = sorted(await session.sampled!(ranges, sample, signal));
      expect(sorted(await sink.stagedSample!(task, sample, signal))).toEqual(here);
      if (buckets === all) expect(digestText(addDigests('text-md5', here.map((sum) => ({ ...sum, kind: 'text-md5' as const }))))).toBe(digestText(await session.digest(ranges, signal)));
      else expect(here.every(({ bucket }) => Number(bucket) < BUCKETS / 2) && here.length > 50).toBe(true);
    }
    await sink.discard();
  } finally {
    await session.close();
    await sink.close();
  }
}

/** Every connector of the registry, as a source of and a sink for each other. One without a harness fails. */
export function describeConnectors(suite: string, harnesses: Harnesses): void {
  const names = (Object.keys(connectors) as ConnectorName[]).filter((name) => harnesses[name] !== null);
  const sinks = names.filter((name) => connectors[name].view.sink);
  describe(suite, () => {
    const open = new Map<ConnectorName, { harness: ConnectorHarness; connection: OpenConnection }>();
    const at = (name: ConnectorName) => {
      const there = open.get(name);
      if (!there) throw new Error(`${name} has no harness`);
      return there;
    };
    let made = 0;
    const fresh = (): string => `set_${made += 1}`;
    beforeAll(async () => {
      for (const name of names) {
        const harness = await harnesses[name]!();
        open.set(name, { harness, connection: await harness.open() });
      }
    });
    afterAll(async () => {
      for (const { harness, connection } of open.values()) {
        await connection.close();
        await harness.close();
      }
    });
    const dataset = async (source: ConnectorName, rows = ROWS, columns: readonly string[] = ['id', 'label', 'note']): Promise<Profile> =>
      at(source).connection.profile(await at(source).harness.make(fresh(), columns, rows), 'source');
    const both = ({ source, sink }: Ends) => ({ source: at(source).connection, sink: at(sink).connection });

    describe.each(names.flatMap((source) => sinks.map((sink): Ends => ({ source, sink }))))('from $source to $sink', (ends) => {
      const copied = async (profile: Profile): Promise<{ rows: number; back(): Promise<Profile> }> => {
        const { connection, harness } = at(ends.sink);
        const load = loadOf(profile, harness.target(fresh()), ends);
        const { sink, staged } = await stage(both(ends), load, writerOf());
        expect((await connection.profile(load.target.dataset, 'target')).exists).toBe(false);
        const task = publishOf(load, ends.sink);
        const published = await sink.publish(task, { rows: staged.rows, digest: staged });
        expect(await sink.publish(task, { rows: staged.rows, digest: staged })).toMatchObject({ published: published.published });
        await sink.discard();
        await sink.close();
        expect(await connection.sink.current(task, signal)).toEqual(staged); // who reads the target sees what was proved
        return { rows: published.published, back: () => connection.profile(load.target.dataset, 'source') };
      };
      it(pairCases.carries, async () => {
        const { rows, back } = await copied(await dataset(ends.source));
        expect([rows, (await back()).columns.map(({ name }) => name)]).toEqual([ROWS.length, ['id', 'label', 'note']]);
      });
      it(pairCases.unhashed, async () => {
        const load = loadOf(await dataset(ends.source), at(ends.sink).harness.target(fresh()), ends);
        const { sink } = await stage(both(ends), load, writerOf());
        expect(await sink.publish(publishOf(load, ends.sink), { rows: ROWS.length, digest: null })).toMatchObject({ published: ROWS.length });
        expect((await sink.ledger()).find(({ chunkKey }) => chunkKey === 'publish')).toMatchObject({ digest: null });
        await sink.close();
      });
      it(pairCases.sampled, async () => {
        const rows = Array.from({ length: 300 }, (_, row) => [String(row), row % 7 ? `label ${row} é` : null, row % 3 ? '' : null]);
        await samplesAlike(both(ends), loadOf(await dataset(ends.source, rows), at(ends.sink).harness.target(fresh()), ends), ends.sink);
      });
      it(pairCases.empty, async () => {
        expect((await copied(await dataset(ends.source, []))).rows).toBe(0);
      });
      const judged = async (bad: 'aside' | 'stop') => {
        const load = loadOf(await dataset(ends.source, JUDGED_ROWS), at(ends.sink).harness.target(fresh()), ends);
        return { ...both(ends), writer: writerOf(), load: { ...load, carrier: 'text' as const, digest: 'text-md5' as const, judging: judgingOf(bad) } };
      };
      if (keepsAside.includes(ends.sink)) it(pairCases.aside, async () => { await setsAside(await judged('aside')); });
      else it(`${ends.sink} keeps nothing that is set aside`, () => { expect(at(ends.sink).connection.sink.quarantine).toBeUndefined(); });
      it(pairCases.stop, async () => { await stopsAtBadRow(await judged('stop')); });
      it(pairCases.names, async () => {
        const columns = ['id', 'select', 'Mixed "Case"', 'ünïcode, name'];
        const { back } = await copied(await dataset(ends.source, [['1', 'a', 'b', 'c']], columns));
        expect((await back()).columns.map(({ name }) => name)).toEqual(columns);
      });
    });

    describe.each(names)('%s as a source', (name) => {
      const load = async (): Promise<LoadTask> => loadOf(await dataset(name), 'target', { source: name, sink: name === 'file' ? 'postgres' : 'file' });
      it(sourceCases.missing, async () => {
        const { dataset: there } = await dataset(name);
        await expect(at(name).connection.profile(there.replace('set_', 'sot_'), 'source')).rejects.toMatchObject({ code: 'source.not-found', next: expect.stringContaining('set_') as unknown });
      });
      it(sourceCases.drift, async () => {
        const task = await load();
        await at(name).harness.addColumn(task.source.dataset);
        const work = at(name).connection.source.begin(task, null).then((session) => session.close());
        expect(await codeOf(work)).toBe('source.schema-drifted');
      });
      it(sourceCases.cancel, async () => {
        const session = await at(name).connection.source.begin(await load(), null);
        const stop = new AbortController();
        const [range] = await session.cut();
        let stoppedAt = 0;
        const to = { write: () => { setTimeout(() => { stoppedAt = performance.now(); stop.abort(new Error('cancelled')); }, 50); return false; }, drained: () => new Promise<void>(() => undefined) };
        expect(await codeOf(session.read(range!, { to, onRead: () => undefined, signal: stop.signal }))).toMatch(/cancelled/);
        expect(performance.now() - stoppedAt).toBeLessThan(5_000);
        await session.close();
      });
    });

    const readers = names.filter((name) => !sinks.includes(name));
    if (readers.length > 0) it.each(readers)('%s, which is no sink, says so before anything is read', async (name) => {
      const { connection } = at(name);
      expect(await codeOf(connection.profile('anything', 'target'))).toBe('request.unsupported');
      expect(await codeOf(connection.sink.begin(loadOf(await dataset(name), 'anything', { source: name, sink: 'file' }), writerOf()))).toBe('request.unsupported');
    });

    describe.each(sinks)('%s as a sink', (name) => {
      const ends: Ends = { source: name, sink: name };
      const load = async (): Promise<LoadTask> => loadOf(await dataset(name), at(name).harness.target(fresh()), ends);
      it(sinkCases.resume, async () => {
        const task = await load();
        const writer = writerOf();
        const { sink, ranges } = await stage(both(ends), task, writer);
        await sink.close();
        const again = await at(name).connection.sink.begin(task, { ...writer, attempt: 2 });
        await again.raise();
        await again.prepare({ fresh: 'keep' });
        expect((await again.ledger()).map(({ chunkKey, attempt, rows }) => [chunkKey, attempt, rows])).toEqual(ranges.map(({ key }) => [key, 1, ROWS.length]));
        for (const range of ranges) expect(await again.begin(range)).toBe('done');
        await again.discard();
        expect(await again.ledger()).toEqual([]);
        await again.close();
      });
      it(sinkCases.fence, async () => {
        const task = await load();
        const session = await at(name).connection.source.begin(task, null);
        const [range] = await session.cut();
        const writer = writerOf();
        const old = await at(name).connection.sink.begin(task, writer);
        const first = await old.raise();
        await old.prepare({ fresh: 'start-over' });
        const piece = await old.begin(range!);
        if (piece === 'done') throw new Error('nothing was written yet');
        const later = await at(name).connection.sink.begin(task, { ...writer, attempt: 2 });
        expect(await later.raise()).toBeGreaterThan(first);
        expect(await codeOf(piece.commit({ rows: 0, rejected: 0, bytes: 0, digest: null }))).not.toBe('resolved');
        expect(await codeOf(old.begin({ ...range!, key: 'f'.repeat(64) }))).toBe('lease.lost');
        expect(await later.ledger()).toEqual([]);
        await later.discard();
        await Promise.all([old.close(), later.close(), session.close()]);
      }, 30_000);
      it(sinkCases.short, async () => {
        const task = await load();
        const session = await at(name).connection.source.begin(task, null);
        const [range] = await session.cut();
        const sink = await at(name).connection.sink.begin(task, writerOf());
        await sink.raise();
        await sink.prepare({ fresh: 'start-over' });
        const piece = await sink.begin(range!);
        if (piece === 'done') throw new Error('nothing was written yet');
        const count = task.carrier === 'file' ? await piece.copyFile(session.scan(), signal) : await session.read(range!, { to: piece.to, onRead: () => undefined, signal });
        expect(await codeOf(piece.commit({ rows: count.rows + 1, rejected: 0, bytes: count.bytes, digest: count.digest }))).toBe('sink.reconcile-mismatch');
        expect(await sink.ledger()).toEqual([]);
        await sink.discard();
        await Promise.all([sink.close(), session.close()]);
      });
      it(sinkCases.staged, async () => {
        const task = await load();
        const { sink, staged } = await stage(both(ends), task, writerOf());
        expect(await codeOf(sink.publish(publishOf(task, name), { rows: staged.rows - 1, digest: { ...staged, rows: staged.rows - 1 } }))).toBe('sink.reconcile-mismatch');
        expect((await at(name).connection.profile(task.target.dataset, 'target')).exists).toBe(false);
        await sink.discard();
        await sink.close();
      });
      /** One run from rows to a target by a key. Answers what was published, and what readers see. */
      const publishedBy = async (rows: readonly (readonly (string | null)[])[], { into, began, publish }: { into: string; began?: string; publish: Partial<PublishTask> }) => {
        const task = loadOf(await dataset(name, rows), into, ends);
        const { sink, staged } = await stage(both(ends), task, writerOf());
        const spec: PublishTask = { ...publishOf(task, name), key: ['id'], keyFromSource: true, ...publish };
        try {
          const published = await sink.publish(spec, { rows: staged.rows, digest: staged, began });
          expect(await sink.publish(spec, { rows: staged.rows, digest: staged, began })).toMatchObject(published);
          expect(digestText(await at(name).connection.sink.current(spec, signal))).toBe(digestText(staged));
          return published;
        } finally {
          await sink.discard();
          await sink.close();
        }
      };
      const [first, second] = [[['1', 'a', null], ['2', 'b', null], ['3', 'c', null]], [['1', 'a', null], ['2', 'b', ''], ['4', 'd', null]]];
      it(sinkCases.merges, async () => {
        const into = at(name).harness.target(fresh());
        const vanished = (atMost: number) => ({ how: 'merge', vanished: { then: 'delete', atMost } }) as const;
        if (!modesOfSome.merge.includes(name)) return expect(await codeOf(publishedBy(first, { into, publish: vanished(1) }))).toBe('request.unsupported');
        await publishedBy(first, { into, publish: { how: 'rename' } });
        expect(await codeOf(publishedBy(second, { into, publish: vanished(0.3) }))).toBe('sink.too-many-deletes');
        expect(await publishedBy(second, { into, publish: vanished(0.5) })).toMatchObject({ published: 2, inserted: 1, updated: 1, deleted: 1, unchanged: 1 });
        expect(await publishedBy(second, { into, publish: vanished(0) })).toMatchObject({ published: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 3 });
        expect(await codeOf(publishedBy([], { into, publish: vanished(0.99) }))).toBe('sink.too-many-deletes');
      });
      it(sinkCases.versions, async () => {
        const into = at(name).harness.target(fresh());
        const publish = { how: 'scd2', vanished: { then: 'close', atMost: 1 } } as const;
        const run = (rows: readonly (readonly (string | null)[])[], second: number) => publishedBy(rows, { into, publish, began: `2030-01-01T00:00:0${second}.000Z` });
        if (!modesOfSome.scd2.includes(name)) return expect(await codeOf(run(first, 1))).toBe('request.unsupported');
        expect(await run(first, 1)).toMatchObject({ published: 3, inserted: 3, unchanged: 0 });
        expect(await run(second, 2)).toMatchObject({ published: 2, inserted: 1, updated: 1, deleted: 1, unchanged: 1 });
        expect(await run(second, 3)).toMatchObject({ published: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 3 });
        const ofAll = publishOf(loadOf(await dataset(name, second), into, ends), name);
        expect((await at(name).connection.sink.current(ofAll, signal)).rows).toBe(5);
      });
      it(sinkCases.abandoned, async () => {
        const task = await load();
        const writer = writerOf();
        await (await stage(both(ends), task, writer)).sink.close();
        const other = await at(name).connection.sink.begin(task, writerOf());
        await other.raise();
        const late = await at(name).connection.sink.begin(task, writer);
        await late.abandon();
        expect(await late.ledger()).toEqual([]);
        await other.prepare({ fresh: 'keep' }); // its fence still stands
        await other.discard();
        await Promise.all([late.close(), other.close()]);
      });
      it(sinkCases.leftovers, async () => { expect(await at(name).harness.leftovers()).toBe(0); });
    });
  });
}
