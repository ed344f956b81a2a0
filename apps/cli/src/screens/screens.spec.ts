import { describe, expect, it } from '@jest/globals';
import type { Failure, PlanView, Receipt, RunView, TaskRunView } from '@agent-etl/contracts';
import { colours, paintFor, plain, printable } from './ansi.ts';
import { explainScreen } from './explain-screen.ts';
import { failureScreen } from './failure-screen.ts';
import { labelled, table } from './layout.ts';
import { bytesText, compact, durationText, grouped } from './numbers.ts';
import { planScreen } from './plan-screen.ts';
import { runsScreen } from './list-screens.ts';
import { nowText, progressLine, shareOf } from './progress-screen.ts';
import { leftBehind, receiptScreen, runScreen } from './run-screen.ts';

const task = (changes: Partial<TaskRunView> = {}): TaskRunView => ({
  id: 'load', taskRunId: 't' as TaskRunView['taskRunId'], kind: 'load', state: 'running', attempts: 1, rows: 0, worker: 'w', progress: null, result: null, failure: null,
  startedAt: '2026-01-01T00:00:00.000Z', finishedAt: '2026-01-01T00:00:02.000Z', ...changes });
const run = (changes: Partial<RunView> = {}): RunView => ({
  runId: 'r' as RunView['runId'], planId: null, requestId: null, kind: 'copy', pipeline: 'flights', state: 'running', driver: 'workers', startedAt: '2026-01-01T00:00:00.000Z', finishedAt: null,
  tasks: [task()], receipt: null, failure: null, ...changes });
const progress = { phase: 'copying', rows: 500_000, totalRows: 1_000_000, bytes: 1, chunksDone: 1, chunks: 8 } as const;

describe('numbers', () => {
  it.each([[0, '0'], [999, '999'], [2_984_094, '2,984,094']])('groups %d', (value, text) => { expect(grouped(value)).toBe(text); });
  it.each([[950, '950'], [17_300, '17.3 k'], [1_600_000, '1.6 M'], [286_000, '286 k']])('shortens a speed of %d', (value, text) => { expect(compact(value)).toBe(text); });
  it.each([[400, '0.4 s'], [200_000, '3 min 20 s'], [7_500_000, '2 h 5 min'], [-5, '0.0 s']])('says %d ms', (value, text) => { expect(durationText(value)).toBe(text); });
  it.each([[10, '10 B'], [1536, '1.5 KB'], [204_472_320, '195 MB']])('says %d bytes', (value, text) => { expect(bytesText(value)).toBe(text); });
});
describe('receipt', () => {
  const receipt = (level: 'counts' | 'full', sourceDigest: string | null, targetDigest: string | null) => receiptScreen({
    level, sourceDigest, targetDigest, source: { connection: 'a', dataset: 's' }, target: { connection: 'b', dataset: 't' }, read: 9, filtered: 0, rejected: 0, written: 9, published: 9 } as unknown as Receipt);
  it.each([
    ['full', 'pg-frame:9:1:2', 'pg-frame:9:1:2', ' source  a.s  pg-frame:9:1:2', ' target  b.t  pg-frame:9:1:2'],
    ['counts', null, null, ' source  a.s  digest not taken', ' target  b.t  digest not taken'],
    ['counts', 'text-md5:9:1:2', 'text-md5:9:0:0', ' source  a.s  text-md5:9:1:2', ' target  b.t  digest not taken'],
    ['full', 'text-md5:0:0:0', 'text-md5:0:0:0', ' source  a.s  text-md5:0:0:0', ' target  b.t  text-md5:0:0:0'],
  ] as const)('at level %s with %s and %s says which digests were taken', (level, from, to, ...lines) => { expect(receipt(level, from, to).slice(3, 5)).toEqual(lines); });
});
describe('progress line', () => {
  it('shows bar, percent, rows, speed and ETA', () => {
    const line = progressLine(run({ tasks: [task({ progress })] }), { rowsPerSecond: 250_000, elapsedMs: 2000 });
    expect(line).toBe(` copy    [${'#'.repeat(20)}${'.'.repeat(20)}]  50 %  500,000 rows  250 k/s  ETA 2.0 s  2.0 s`);
  });
  it('never says 100 % of an estimate before the task is done', () => {
    expect(shareOf(task({ progress: { ...progress, rows: 2_000_000 } }))).toBe(0.99);
    expect(shareOf(task({ state: 'succeeded' }))).toBe(1);
  });
  it('names the phase and a second attempt where rows do not move', () => {
    expect(progressLine(run({ tasks: [task({ attempts: 2, progress: { ...progress, phase: 'proving' } })] }), { rowsPerSecond: null, elapsedMs: 100 })).toMatch(/^ proof  .*attempt 2/);
  });
});
describe('a list of runs', () => {
  const now = Date.parse('2026-01-01T00:00:05.000Z');
  it('says of each what it does at the moment, while one is on its way', () => {
    expect(nowText(run({ tasks: [task({ progress })] }))).toBe('copy 50 %');
    expect(nowText(run({ tasks: [task({ state: 'ready' })] }))).toBe('waiting');
    expect(nowText(run({ tasks: [task({ state: 'succeeded' }), task({ id: 'publish', state: 'ready' })] }))).toBe('waiting');
    expect(nowText(run({ state: 'succeeded', finishedAt: '2026-01-01T00:00:02.000Z' }))).toBe('');
    expect(runsScreen([run({ tasks: [task({ progress, rows: 500_000 })] })], now)[1]).toMatch(/flights +running +copy 50 % +500,000 +5\.0 s/);
  });
  it('has no such column when all have ended', () => {
    expect(runsScreen([run({ state: 'succeeded', finishedAt: '2026-01-01T00:00:02.000Z' })], now)[0]).not.toContain('now');
  });
});
describe('run screen', () => {
  const load = task({ state: 'succeeded', result: { kind: 'load', read: 10, filtered: 0, rejected: 0, written: 10, bytes: 1, chunks: 4, resumed: 3, digest: { kind: 'pg-frame', rows: 10, a: '1', b: '2' } } });
  it('tells what an earlier attempt had written', () => { expect(runScreen(run({ state: 'failed', tasks: [load] }), plain).join('\n')).toContain('3 of 4 chunks from an earlier attempt'); });
  it('says that nothing became visible when a run failed before publishing', () => { expect(leftBehind(run({ state: 'failed', tasks: [task({ rows: 1000 }), task({ id: 'publish', kind: 'publish', rows: 1000 })] }))).toBe('0 rows published, the target is as before; 1,000 rows had been staged'); });
});
describe('failure screen', () => {
  const failure: Failure = { code: 'data.value-out-of-range', text: 'A value does not fit the column it goes to: column gross, target integer.', next: 'widen the target column', traceId: '91d07a',
    cell: { row: 1235, column: 'gross', value: '2767891499', target: 'integer' } };
  it('says subject, cell, next step, what is left, code and trace', () => {
    expect(failureScreen(failure, plain, { subject: 'films', state: '0 rows published' })).toEqual([
      ' x  films: A value does not fit the column it goes to: column gross, target integer.', '    row 1235   column gross   value 2767891499   target integer', '    next    widen the target column',
      '    state   0 rows published', '    code    data.value-out-of-range   trace 91d07a']);
  });
  it('lists issues, and a single one only when the sentence lacks it', () => {
    const issue = { code: 'x', path: 'orders.yaml:3:5', text: 'Unknown key form: did you mean from?' };
    const told = (text: string, ...issues: Failure['issues'] & object): string[] => failureScreen({ ...failure, cell: undefined, next: null, text, issues }, plain).slice(0, -1);
    expect(told('Two mistakes.', issue, { ...issue, path: 'orders.yaml:4:5' })).toHaveLength(3);
    expect(told('orders.yaml:3:5: unknown key form: did you mean from?', issue, { ...issue, text: 'name is missing.' })).toEqual([' x  orders.yaml:3:5: unknown key form: did you mean from?', '    - orders.yaml:3:5 name is missing.']);
    expect(told('Not valid YAML: unknown key form: did you mean from, line 3.', issue)).toHaveLength(2); // the column is told too
    expect(told('The plan breaks key.nullable: The key column a may be NULL.', { code: 'key.nullable', path: '/tasks/publish', text: 'The key column a may be NULL.' })).toHaveLength(1);
  });
});
describe('what data may do to a terminal', () => {
  it.each([['\u001b[2Jgone', '\\u001b[2Jgone'], ['a\u202eb', 'a\\u202eb'], ['tab\tstays', 'tab\tstays']])('makes %j visible', (text, shown) => { expect(printable(text)).toBe(shown); });
  it('keeps a hostile name from steering a table', () => { expect(table(['name'], [['x\u001b[31m']]).join()).not.toContain('\u001b'); });
  it.each([[{}, true, colours], [{ NO_COLOR: '1' }, true, plain], [{ TERM: 'dumb' }, true, plain], [{}, false, plain]])('colours with %j on terminal %s', (env, isTerminal, paint) => {
    expect(paintFor({ isTerminal, noColor: false, env })).toBe(paint);
  });
});
describe('plan and explain', () => {
  const plan = {
    pipeline: 'flights', planId: 'a'.repeat(64), status: 'proposed', risk: 'R2', risks: ['replaces 10 rows'], cost: { rows: [1, 2, 3], seconds: [1, 1, 1], usd: [0, 0, 0] }, verdict: { ok: true, issues: [] },
    questions: [{ id: 'load', text: 'Append again?', choices: ['append', 'replace'] }], tasks: [{ id: 'load', kind: 'load', engine: 'splice', reads: ['a'], writes: ['b'] }],
    decisions: [{ question: 'movement', choice: 'splice', by: 'rules', reason: { code: 'same', text: 'same engine' }, rejected: [{ choice: 'DuckDB', because: 'twice the CPU' }, { choice: 'rows', because: 'slow' }] }],
  } as unknown as PlanView;
  it('shows choice, reason, what lost, risk and question', () => {
    const text = planScreen(plan, plain).join('\n');
    for (const part of ['splice: same engine', 'not DuckDB: twice the CPU', 'replaces 10 rows', 'Append again? (append | replace)']) expect(text).toContain(part);
    expect(text).not.toContain('not rows');
  });
  it('explains with everything that lost', () => { expect(explainScreen({ plan, run: run() }, plain).join('\n')).toContain('not rows: slow'); });
  it('puts every line of a paragraph below its first, colours or not', () => {
    const column = { indent: 3, width: 10, painted: (label: string) => colours('red', label) };
    const [first = '', second = ''] = labelled('chunks', 'word '.repeat(30), column);
    expect([first.replaceAll(/\u001b\[\d+m/g, '').indexOf('word'), second.indexOf('word')]).toEqual([14, 14]);
  });
  it('keeps paragraphs inside the screen', () => { for (const line of labelled('plan', 'word '.repeat(60))) expect(line.length).toBeLessThanOrEqual(96); });
});
