import { describe, expect, it } from '@jest/globals';
import { type ColumnType, Pipeline } from '@agent-etl/contracts';
import { replayPipeline, typesBefore } from './replay-rules.ts';

const pipeline = (more: object = {}): Pipeline => Pipeline.parse({ name: 'films', from: { connection: 'files', dataset: 'films.csv' }, to: { connection: 'warehouse', dataset: 'mart.films' }, onFail: { quarantine: {} }, ...more });
const of = (spec: Pipeline, isFile = true, types: readonly { name: string; type: ColumnType }[] = []): Pipeline => replayPipeline(spec, { types, from: { connection: 'mended' as never, dataset: 'films.ndjson' }, replay: { pipeline: 'films', ids: '3-4', columns: ['id', 'title'] }, isFile });

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
  it('become the values that they were before a step goes on with them', () => {
    const types = [{ name: 'id', type: { kind: 'i64' } }, { name: 'title', type: { kind: 'text' } }, { name: 'price', type: { kind: 'dec', precision: 9, scale: 2 } }] as const;
    const [renamed, computed] = [[{ rename: { id: 'nr' } }], [{ filter: 'id > 1' }, { derive: { twice: 'id * 2' } }]];
    expect(of(pipeline({ steps: renamed }), true, types).steps).toEqual([{ select: ['id', 'title'] }, { cast: { column: 'id', to: 'bigint' } }, renamed[0]]); // price is no column of the file
    expect(of(pipeline({ steps: computed }), true, types).steps).toEqual([{ select: ['id', 'title'] }, { cast: { column: 'id', to: 'bigint' } }, ...computed]);
    expect(() => of(pipeline({ steps: computed }), true, [{ name: 'id', type: { kind: 'tstz' } }])).toThrow('through the step filter');
    expect(() => of(pipeline({ steps: [{ limit: { n: 1, by: [{ column: 'id' }] } }] }), true, types)).toThrow('through the step limit');
  });
  it('know the types that the plan of their pipeline has read', () => {
    const input = [{ name: 'id', type: { kind: 'i64' }, native: 'BIGINT', nullable: true }];
    const load = { id: 'load', kind: 'load', engine: 'duckdb', reads: [], writes: [] };
    expect(typesBefore({ tasks: [{ ...load, transform: { input, stages: [{ op: 'rows', columns: [{ name: 'nr', expr: { k: 'col', name: 'id' } }], where: null }] } }] })).toEqual(input);
    expect([typesBefore({ tasks: [load] }), typesBefore(null)]).toEqual([[], []]);
  });
});
