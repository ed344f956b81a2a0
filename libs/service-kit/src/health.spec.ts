import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { HealthState } from './health.ts';

it('is degraded while it joins its group, not ready once that takes too long, and ready when it has joined', async () => {
  const health = new HealthState();
  const joined = Promise.withResolvers<undefined>();
  health.joins(joined.promise, 60);
  health.started();
  expect(await health.ready()).toEqual({ status: 'degraded', reasons: ['it joins its group on the message bus'] });
  await sleep(80);
  expect(await health.ready()).toEqual({ status: 'unavailable', reasons: ['it joins its group on the message bus for 0 s'] });
  joined.resolve(undefined);
  await joined.promise;
  expect(await health.ready()).toEqual({ status: 'ready', reasons: [] });
});
