import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from '@jest/globals';
import type { Published } from './worker-process.ts';

/** A worker's end of the channel, in a process of its own: it says three things and prints what became of each, the third when the parent has gone. */
const program = `
import { once } from 'node:events';
import { ParentBus } from ${JSON.stringify(join(import.meta.dirname, 'parent-bus.ts'))};
const bus = new ParentBus();
const say = (key) => bus.publish([{ topic: 't', key, headers: {}, value: Buffer.from(key) }]).then(() => console.log(key, 'sent'), (error) => console.log(key, error.message));
const gone = once(process, 'disconnect');
await Promise.all([say('one'), say('two')]);
await gone;
await say('three');`;
const aWorker = (): ChildProcess => spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });

it('tells who speaks through a parent that it is gone, instead of letting them wait for its word for ever', async () => {
  const worker = aWorker();
  const heard: Published[] = [];
  worker.on('message', (said) => {
    heard.push(said as Published);
    if (heard.length === 1) worker.send({ id: heard[0]!.id, ok: true });
    if (heard.length === 2) worker.disconnect(); // killed before it could answer
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: worker.stdout! })) lines.push(line);
  if (worker.exitCode === null) await once(worker, 'exit');
  expect([lines, heard.length]).toEqual([['one sent', 'two the parent is gone', 'three the parent is gone'], 2]);
});
