import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ParserChild } from './parser-child.ts';

let scratch: string;
let parser: ParserChild;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'parser-')); parser = new ParserChild(scratch, 'a query'); });
afterAll(async () => { await parser.stop(); await rm(scratch, { recursive: true }); });
/** The first item of what a text selects. */
const first = (tree: string): unknown => (JSON.parse(tree) as { statements: { node: { select_list: { value?: { value: unknown } }[] } }[] }).statements[0]?.node.select_list[0]?.value?.value;

describe('texts that come at once', () => {
  it('each get their own tree', async () => {
    const trees = await Promise.all(Array.from({ length: 40 }, (_, nth) => parser.tree(`SELECT ${nth}`)));
    expect(trees.map(first)).toEqual(Array.from({ length: 40 }, (_, nth) => nth));
  });
  it('do not suffer from one that cannot be asked', async () => {
    const texts = Array.from({ length: 20 }, (_, nth) => (nth === 7 ? 'SELECT \'\0\'' : `SELECT ${nth}`));
    const answers = await Promise.allSettled(texts.map((text) => parser.tree(text)));
    expect(answers.map((answer, nth) => (answer.status === 'fulfilled' ? first(answer.value) : [nth, (answer.reason as { code?: string }).code]))).toEqual(texts.map((_, nth) => (nth === 7 ? [7, 'sql.parser-lost'] : nth)));
  });
  it('are answered behind one that the parser does not end with in time', async () => {
    const slow = `SELECT ${'1, '.repeat(2_000_000)}1`;
    const answers = await Promise.allSettled([parser.tree('SELECT 1'), parser.tree(slow), parser.tree('SELECT 2'), parser.tree('SELECT 3')]);
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? first(answer.value) : (answer.reason as { code?: string }).code))).toEqual([1, 'sql.parser-lost', 2, 3]);
  });
  it('are waited for while the child gets no CPU, and it is the same child that answers', async () => {
    await parser.tree('SELECT 1');
    const { process: { pid } } = await (parser as unknown as { child: Promise<{ process: { pid: number } }> }).child;
    process.kill(pid, 'SIGSTOP');
    const answer = parser.tree('SELECT 5');
    await sleep(700);
    process.kill(pid, 'SIGCONT');
    expect(first(await answer)).toBe(5);
    expect((await (parser as unknown as { child: Promise<{ process: { pid: number } }> }).child).process.pid).toBe(pid);
  });
});
