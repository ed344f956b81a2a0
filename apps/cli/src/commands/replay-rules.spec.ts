import { describe, expect, it } from '@jest/globals';
import { Pipeline } from '@agent-etl/contracts';
import { replayPipeline } from './replay-rules.ts';

const pipeline = (more: object = {}): Pipeline => Pipeline.parse({ name: 'films', from: { connection: 'files', dataset: 'films.csv' }, to: { connection: 'warehouse', dataset: 'mart.films' }, onFail: { quarantine: {} }, ...more });
const of = (spec: Pipeline, isFile = true): Pipeline => replayPipeline(spec, { from: { connection: 'mended' as never, dataset: 'films.ndjson' }, replay: { pipeline: 'films', ids: '3-4', columns: ['id', 'title'] }, isFile });

describe('rows that come back', () => {
  it('go in by the key of their pipeline, and close or delete nothing', () => {
    expect(of(pipeline())).toMatchObject({ name: 'films_replay', from: { select: ['id', 'title'] }, to: { load: 'append' }, onFail: 'stop', replays: { pipeline: 'films', rows: '3-4' } });
    expect(of(pipeline({ to: { connection: 'warehouse', dataset: 'mart.films', load: 'scd2', key: ['id'], deletes: 'close' } })).to).toEqual({ connection: 'warehouse', dataset: 'mart.films', load: 'scd2', key: ['id'] });
    expect(of(pipeline({ to: { connection: 'warehouse', dataset: 'mart.films', load: 'upsert', key: ['id'] } })).to).toMatchObject({ load: 'upsert', key: ['id'] });
  });
  it('go through the steps that they have not gone through yet', () => {
    const steps = [{ rename: { title: 'name' } }, { cast: { column: 'id', to: 'int', onError: 'quarantine' } }];
    expect(of(pipeline({ steps }))).toMatchObject({ from: { dataset: 'films.ndjson' }, steps: [{ select: ['id', 'title'] }, steps[0], { cast: { column: 'id', to: 'int', onError: 'fail' } }] });
    expect(of(pipeline({ steps })).from.select).toBeUndefined();
    expect(of(pipeline({ steps: [steps[1]] }))).toMatchObject({ from: { select: ['id', 'title'] } });
    expect(of(pipeline({ steps: [{ cast: { column: 'id', to: 'int', onError: 'null' } }] })).steps?.[1]).toEqual({ cast: { column: 'id', to: 'int', onError: 'null' } });
    expect(of(pipeline({ steps }), false).steps).toBeUndefined();
    expect(() => of(pipeline({ steps: [{ derive: { id: 'id * 2' } }] }))).toThrow('bringing rows back through the step derive');
    expect(of(pipeline({ steps: [{ derive: { id: 'id * 2' } }] }), false).steps).toBeUndefined();
  });
});
