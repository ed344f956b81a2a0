import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { World } from './world.ts';

/** For a second every answer of these doors says that something is away and when to come again. */
export async function expectAway({ url, token }: World, paths: readonly string[]): Promise<void> {
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return [path, answer.status, Object(await answer.json()).code, Number(answer.headers.get('retry-after')) > 0];
  };
  for (const until = Date.now() + 1_000; Date.now() < until; await delay(50)) {
    expect(await Promise.all(paths.map(ask))).toEqual(paths.map((path) => [path, 503, 'platform.unavailable', true]));
  }
}
