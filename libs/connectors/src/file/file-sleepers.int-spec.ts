import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectorTools, SinkSession } from '../port.ts';
import { fileConnector } from './file-connector.ts';
import { type AFolder, aFolder, aLoad, aPublish, aWriter, stage } from './testing/a-folder.ts';

let folder: AFolder;
beforeEach(async () => { folder = await aFolder(); });
afterEach(async () => { await folder.drop(); });

/** Rows of one run, staged and ready to be published. */
async function staged(says: string, target: string, tools: ConnectorTools): Promise<{ sink: SinkSession; publish: () => Promise<unknown> }> {
  await folder.write('t.csv', `id,note\n${Array.from({ length: 50 }, (_, row) => `${row},${says}\n`).join('')}`);
  const open = await fileConnector.open(folder.connection, tools);
  const task = aLoad(await open.profile('t.csv', 'source'), target);
  const sink = await open.sink.begin(task, aWriter());
  await stage(open, sink, task);
  return { sink, publish: async () => sink.publish(aPublish(task), { rows: 50, digest: null }) };
}
/** Tools with which whoever asks for the fence for the n-th time sleeps right behind the answer, while somebody else works. */
function sleepingAfter(nth: number, meanwhile: () => Promise<unknown>): ConnectorTools {
  let asked = 0;
  return { ...folder.tools, fileLedger: new Proxy(folder.ledger, { get: (ledger, name) => {
    if (name === 'holds') return async (target: string, fence: number) => {
      const held = await ledger.holds(target, fence);
      if (held && (asked += 1) === nth) await meanwhile();
      return held;
    };
    const member: unknown = Reflect.get(ledger, name, ledger);
    return typeof member === 'function' ? (member as (...given: unknown[]) => unknown).bind(ledger) : member;
  } }) };
}

/** F9 without a transaction: between the last look at the fence and the rename a later run publishes. */
it.each([['u.csv', 4], ['parts/**/*.csv', 5]])('whoever sleeps before the rename of %s renames nothing over a later run, nor takes away what it has staged', async (target, looks) => {
  const path = target.includes('*') ? join(folder.root, 'parts') : folder.root;
  const content = async (): Promise<string> => (await Promise.all((await readdir(path)).filter((name) => /^(u|part-.*)\.csv$/.test(name)).map((name) => readFile(join(path, name), 'utf8')))).join('');
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
    expect([nth, (await content()).match(/later \d/g)?.length, /sleeper/.test(await content())]).toEqual([nth, 50, false]);
    await sleeper?.sink.discard();
    expect((await readdir(folder.root, { recursive: true })).filter((name) => /(^|\/)\./.test(name))).toEqual([]);
  }
  expect(seen).toBe(looks);
}, 60_000);
