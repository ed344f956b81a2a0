import { describe, expect, it } from '@jest/globals';
import type { QuarantinedRow } from '@agent-etl/contracts';
import { exportedLines, missingRows, rangesText, replayOf } from './exported-rows.ts';

const row = (id: number, raw: string, reason = 'in:a'): QuarantinedRow =>
  ({ id, pipeline: 'films', runId: '01a22cda-dea8-7098-9741-5da722c4c933', task: 'load', chunk: 'c', row: id, column: 'a', reason, raw, at: '2026-11-30T14:00:00.000Z', replayedBy: null }) as QuarantinedRow;

describe('rows that are exported to be mended', () => {
  it('keep every digit of their cells, on one line, with what names them in front', () => {
    const text = exportedLines([row(3, '{"a": 1.10,\n  "b": "x\\ny"}'), row(4, '3,"un"quoted', 'parse')]);
    expect(text).toBe('{"_etl_id":3,"_etl_pipeline":"films","_etl_row":3,"_etl_reason":"in:a","a": 1.10, "b": "x\\ny"}\n{"_etl_id":4,"_etl_pipeline":"films","_etl_row":4,"_etl_reason":"parse","_etl_raw":"3,\\"un\\"quoted","a":null,"b":null}\n');
    expect(replayOf('f.ndjson', text)).toEqual({ pipeline: 'films', ids: '3-4', columns: ['a', 'b'] });
  });
  it('are those that are missing beside what was published, each once', () => {
    const of = (id: number, runId: string, raw: string): QuarantinedRow => ({ ...row(id, raw), runId: runId as never });
    const rows = [of(1, 'first', 'a'), of(2, 'first', 'a'), of(3, 'first', 'b'), of(4, 'red', 'a'), of(5, 'red', 'c'), of(6, 'last', 'a'), of(7, 'last', 'a'), of(8, 'last', 'd')];
    const ids = (load: string | undefined): number[] => missingRows(rows, { load, isGreen: (runId) => runId !== 'red' }).map(({ id }) => id);
    expect([ids('replace'), ids(undefined)]).toEqual([[6, 7, 8], [3, 6, 7, 8]]);
  });
  it.each([
    ['', 'line 1: it holds no rows'], ['{"a":1}\n', 'line 1: it does not say which row it stands for'], ['not json', 'line 1: it is no JSON object'],
    ['{"_etl_id":1,"_etl_pipeline":"p","a":1}\n{"_etl_id":1,"_etl_pipeline":"p","a":1}', 'line 2: row 1 stands there twice'],
    ['{"_etl_id":1,"_etl_pipeline":"p","a":1}\n{"_etl_id":2,"_etl_pipeline":"q","a":1}', 'it holds rows of p and of q'],
  ])('are refused where a file of them is none: %j', (text, words) => { expect(() => replayOf('f.ndjson', text)).toThrow(words); });
  it('are named in ranges', () => { expect(rangesText([7, 3, 5, 6, 1])).toBe('1,3,5-7'); });
});
