import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { watch } from 'node:fs';
import { copyFile, readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorTools, FileLedger, SinkSession } from '../port.ts';
import { fileConnector } from './file-connector.ts';
import { StagedFile } from './staged-file.ts';
import { StagedFolder } from './staged-folder.ts';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { await folder.drop(); });

/** Rows of one run, staged and ready to be published. */
interface Run { readonly sink: SinkSession; publish(): Promise<unknown>; again(): Promise<Run> }
async function staged(says: string, target: string, tools: ConnectorTools): Promise<Run> {
  await folder.write('t.csv', `id,note\n${Array.from({ length: 50 }, (_, row) => `${row},${says}\n`).join('')}`);
  const open = await fileConnector.open(folder.connection, tools);
  const task = aLoad(await open.profile('t.csv', 'source'), target);
  const writer = aWriter();
  /** The run as its next attempt finds it. */
  const again = async (attempt = 2): Promise<Run> => {
    const sink = await open.sink.begin(task, { ...writer, attempt });
    await sink.raise();
    return { sink, publish: () => sink.publish(aPublish(task), { rows: 50, digest: null }), again: () => again(attempt + 1) };
  };
  const first = await again(1);
  await stage(open, first.sink, task);
  return first;
}
/** Tools whose ledger does one thing in another way. */
function toolsWith(changed: Partial<FileLedger>): ConnectorTools {
  return { ...folder.tools, fileLedger: new Proxy<FileLedger>(folder.ledger, { get: (ledger, name) => {
    const member: unknown = Reflect.get(changed, name) ?? Reflect.get(ledger, name, ledger);
    return typeof member === 'function' ? (member as (...given: unknown[]) => unknown).bind(ledger) : member;
  } }) };
}
/** Tools with which whoever asks for the fence for the n-th time sleeps right behind the answer, while somebody else works. */
function sleepingAfter(nth: number, meanwhile: () => Promise<unknown>): ConnectorTools {
  let asked = 0;
  return toolsWith({ holds: async (target, fence) => {
    const held = await folder.ledger.holds(target, fence);
    if (held && (asked += 1) === nth) await meanwhile();
    return held;
  } });
}
/** Tools with which a run is killed before it says that it has published. */
const killedBehindRename = (): ConnectorTools => toolsWith({ add: async (run, task, row) => {
  if (row.chunkKey === 'publish') throw new Error('killed');
  return folder.ledger.add(run, task, row);
} });
const pathOf = (target: string): string => (target.includes('*') ? join(folder.root, 'parts') : folder.root);
/** Text of what a target holds. */
async function contentOf(target: string): Promise<string> {
  const path = pathOf(target);
  return (await Promise.all((await readdir(path)).filter((name) => name === target || /^part-.*\.csv$/.test(name)).map((name) => readFile(join(path, name), 'utf8')))).join('');
}
/** What a target says in each of its rows. */
const saysOf = async (target: string): Promise<string[]> => [...new Set((await contentOf(target)).split('\n').slice(1).flatMap((line) => line.split(',').slice(1)))];

/** F9 without a transaction: between the last look at the fence and the rename a later run publishes. */
it.each([['u.csv', 4], ['parts/**/*.csv', 5]])('whoever sleeps before the rename of %s renames nothing over a later run, nor takes away what it has staged', async (target, looks) => {
  const first = process.env['ETL_TEST_FAULTS'] === 'all' ? 1 : looks;
  let seen = first - 1;
  for (let nth = first; nth <= looks; nth += 1) {
    const later = async (): Promise<void> => {
      seen += 1;
      const run = await staged(`later ${nth}`, target, folder.tools);
      await run.publish();
      await run.sink.close();
    };
    const sleeper = await staged(`sleeper ${nth}`, target, sleepingAfter(nth, later)).catch(() => null);
    await sleeper?.publish().catch(() => undefined);
    expect([nth, (await contentOf(target)).match(/later \d/g)?.length, /sleeper/.test(await contentOf(target))]).toEqual([nth, 50, false]);
    await sleeper?.sink.discard();
    expect((await readdir(folder.root, { recursive: true })).filter((name) => /(^|\/)\./.test(name))).toEqual([]);
  }
  expect(seen).toBe(looks);
}, 60_000);

const codeOf = (work: Promise<unknown>): Promise<string> => work.then(JSON.stringify, (error: { code?: string; message: string }) => error.code ?? error.message);
const PUBLISHED = JSON.stringify({ published: 50, inserted: null, updated: null });

it('publishes of two targets whose long names begin alike each its own rows', async () => {
  const names = ['a', 'b'].map((end) => `${'n'.repeat(125)}-${end}.csv`);
  for (const name of names) await (await staged('old', name, folder.tools)).publish();
  const runs = [];
  for (const name of names) runs.push(await staged(`new ${name.at(-5)}`, name, folder.tools));
  for (const run of runs.reverse()) expect(await codeOf(run.publish())).toBe(PUBLISHED);
  expect(await Promise.all(names.map(saysOf))).toEqual([['new a'], ['new b']]);
});

/** The later run dies between taking the sleeper's file away and its own rename: what is in the place of the target is older than both. */
it.each([['u.csv', 4], ['parts/**/*.csv', 5]])('whoever finds what it staged for %s taken away has lost its lease, whatever the target holds', async (target, looks) => {
  await (await staged('old', target, folder.tools)).publish();
  let later: Run | undefined;
  const dies = async (): Promise<void> => {
    later = await staged('later', target, folder.tools);
    const take = target.includes('*') ? StagedFolder.prototype : StagedFile.prototype;
    const { publish } = take;
    take.publish = () => Promise.reject(new Error('killed'));
    try { await expect(later.publish()).rejects.toThrow('killed'); } finally { take.publish = publish as never; }
  };
  const sleeper = await staged('sleeper', target, sleepingAfter(looks, dies));
  expect(await codeOf(sleeper.publish())).toBe('lease.lost');
  const woken = await sleeper.again();
  expect(await codeOf(woken.publish())).toBe('sink.reconcile-mismatch');
  expect(await codeOf((await later!.again()).publish())).toBe(PUBLISHED);
  expect(await saysOf(target)).toEqual(['later']);
});

it('whoever was killed behind its rename knows its own file in the place of the target, and no other one', async () => {
  const killed = await staged('mine', 'u.csv', killedBehindRename());
  expect([await codeOf(killed.publish()), await saysOf('u.csv')]).toEqual(['killed', ['mine']]);
  const [kept, target] = [join(folder.root, 'kept'), join(folder.root, 'u.csv')];
  await rename(target, kept);
  await copyFile(kept, target); // the same bytes, and yet nobody knows whose
  const again = await killed.again();
  expect([await again.sink.ledger(), await codeOf(again.publish())]).toEqual([[], 'sink.reconcile-mismatch']);
  await rename(kept, target);
  expect(await again.sink.ledger()).toMatchObject([{ rows: 50 }]);
  expect(await codeOf(again.publish())).toBe('killed'); // it comes as far as the first time
});

it('takes the plan of a folder away before its pieces', async () => {
  const run = `.etl-${'a'.repeat(32)}`;
  const [pieces, plan] = [Array.from({ length: 20 }, (_, nth) => `${run}.${'b'.repeat(32)}.${nth}.${'c'.repeat(64)}`), `${run}.manifest`];
  for (const name of [...pieces, plan]) await folder.write(name, '');
  const gone: string[] = [];
  const watcher = watch(folder.root, (_, name) => { gone.push(name ?? ''); });
  await new StagedFolder(folder.root, '.csv', randomUUID()).remove([...pieces, plan]);
  for (const until = performance.now() + 5_000; gone.length < 21 && performance.now() < until; await sleep(10));
  watcher.close();
  expect([gone[0], gone.slice(1).sort()]).toEqual([plan, pieces.sort()]);
});
