import { describe, expect, it } from '@jest/globals';
import { Connection, type TaskCommand } from '@agent-etl/contracts';
import { aCommand, aLoad, aPublish, connectionsOf } from '../testing/an-attempt.ts';
import { DEFAULT_LANES, lanesAsked } from './lanes-rules.ts';

const limited = (name: string, connections: number): Connection => Connection.parse({ name, connector: 'postgres', host: 'localhost', limits: { connections } });
const asked = (task: TaskCommand['task'], connections = connectionsOf('from', 'into')) => lanesAsked(aCommand(task, { connections }));

describe('lanes that a task asks for', () => {
  it('are as many as its load is wide, on both ends', () => {
    expect(asked(aLoad())).toEqual({ connections: ['from', 'into'], most: [DEFAULT_LANES, DEFAULT_LANES], wanted: 2 });
  });
  it('obey the limit of each connection', () => {
    expect(asked(aLoad(), [limited('from', 1), limited('into', 5)]).most).toEqual([1, 5]);
  });
  it('count a reader that hashes beside the others, unless only rows are counted', () => {
    expect(asked(aLoad({ digest: 'text-md5' })).wanted).toBe(3);
    expect(asked(aLoad({ digest: 'text-md5', level: 'counts' })).wanted).toBe(2);
    expect(asked(aLoad({ level: 'sampled', sample: { buckets: 256, key: ['id'] } })).wanted).toBe(3);
  });
  it('name a connection twice that is both ends', () => {
    expect(asked(aLoad({ target: { connection: 'from', dataset: 'public.b' } })).connections).toEqual(['from', 'from']);
  });
  it('of a publish are those that read staging back', () => {
    expect(asked(aPublish())).toMatchObject({ connections: ['into'], wanted: 2 });
    expect(asked(aPublish({ level: 'counts' })).wanted).toBe(1);
  });
  it('are none for a look, and none where both ends are files', () => {
    expect(asked({ id: 'inspect', kind: 'inspect', connection: 'from', want: 'test' }).wanted).toBe(0);
    const files = ['from', 'into'].map((name) => Connection.parse({ name, connector: 'file', root: '/data' }));
    expect(asked(aLoad(), files)).toEqual({ connections: [], most: [], wanted: 0 });
  });
});
