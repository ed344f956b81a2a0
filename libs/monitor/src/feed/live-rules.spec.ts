import { describe, expect, it } from '@jest/globals';
import { framesFor, isLiveTopic, resumePlan } from './live-rules.ts';

describe('the live feed', () => {
  it.each([
    [undefined, 1, 9, 'nothing'], [9, 1, 9, 'nothing'], [5, 1, 9, 'replay'], [0, 1, 9, 'replay'], [3, 5, 9, 'reset'], [4, 5, 9, 'replay'],
    [12, 1, 9, 'reset'], [1, null, 9, 'reset'], [1, 1, 9_000, 'reset'],
  ] as const)('after %s with %s..%s stored gives %s', (after, oldest, latest, plan) => { expect(resumePlan(after, oldest, latest)).toBe(plan); });
  it('sends one frame per subscribed topic of an event', () => {
    const event = { seq: 4, topics: ['runs', 'run:1', 'pipeline:a'], event: { x: 1 } };
    expect(framesFor(new Set(['run:1', 'runs', 'run:2']), event).map(({ topic, seq }) => [topic, seq])).toEqual([['runs', 4], ['run:1', 4]]);
  });
  it.each([['runs', true], ['throughput', true], ['run:018f0000-0000-7000-8000-000000000001', true], ['pipeline:orders', true], ['run:*', false], ['tenant:x', false], ['pipeline:A', false]])(
    'knows the topic %s: %s', (topic, known) => { expect(isLiveTopic(topic)).toBe(known); });
});
