import { describe, expect, it } from '@jest/globals';
import { type Given, waitingFor } from './given-up-rules.ts';

const runId = '018f0000-0000-7000-8000-000000000001';
const taskRunId = '018f0000-0000-7000-8000-000000000002';
const requests = 'etl.pipeline.requests';
const events = 'etl.task.events';
const given = (over: Partial<Given>): Given => ({ topic: events, type: 'task.run.succeeded.v1', key: runId, json: { runId, taskRunId, attempt: 2 }, requestId: null, ...over });

describe('who waits for a message that was given up', () => {
  it.each<[string, Partial<Given>, ReturnType<typeof waitingFor>]>([
    ['the requester that it names', { topic: requests, json: { requestId: 'r' }, requestId: 'made' }, { kind: 'requester', requestId: 'r' }],
    ['the requester by the id of the message', { topic: requests, json: {}, requestId: 'made' }, { kind: 'requester', requestId: 'made' }],
    ['nobody, where a request has no id at all', { topic: requests, json: undefined }, null],
    ['nobody, where no table could keep its id', { topic: requests, json: { requestId: 'a\0b' } }, null],
    ['the attempt that it is the last word about', {}, { kind: 'run', runId, about: { taskRunId, attempt: 2 } }],
    ['the attempt, in a version that nobody here knows', { type: null }, { kind: 'run', runId, about: { taskRunId, attempt: 2 } }],
    ['the run of its key, when it does not say which attempt', { json: { runId } }, { kind: 'run', runId, about: null }],
    ['nobody, when neither content nor key names a run', { json: 'x', key: 'y' }, null],
    ['nobody after a start: the attempt goes on', { type: 'task.run.started.v1' }, null],
    ['nobody after a progress, which may be lost', { type: 'task.run.progressed.v1' }, null],
    ['nobody for the word of a DAG', { topic: 'etl.dag.events', type: 'dag.failed.v1' }, null],
  ])('is %s', (_, over, waiting) => { expect(waitingFor(given(over))).toEqual(waiting); });
});
