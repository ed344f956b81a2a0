import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { apps, metricNames } from '@agent-etl/contracts';
import type { SetUp, World } from '../world.ts';

export function metrics(world: () => World, has: SetUp['has']): void {
  it('shows every documented metric somewhere; the lag is what only a broker knows', async () => {
    const text = Object.values(await world().metrics()).join('\n');
    expect(metricNames.filter((name) => !new RegExp(`^# TYPE ${name} `, 'm').test(text))).toEqual(has.broker ? [] : ['etl_consumer_lag']);
  });
  if (has.broker) it('shows how far each service is behind, as the broker counts it, and that it catches up', async () => {
    const lags = async () => {
      const texts = await world().metrics();
      return apps.map((app) => new RegExp(`^etl_consumer_lag{app="${app}"} (\\d+)$`, 'm').exec(texts[app] ?? '')?.[1]);
    };
    for (let tries = 0; tries < 80 && (await lags()).some((lag) => lag !== '0'); tries += 1) await delay(500); // a number is asked for again after 15 s
    expect(await lags()).toEqual(apps.map(() => '0'));
  });
}
