import { expect, it } from '@jest/globals';
import { isKeyFresh } from './key-rules.ts';

it.each([
  ['2026-03-01T12:00:00.000Z', true], ['2026-02-28T12:00:00.000Z', true], ['2026-02-28T11:59:59.999Z', false], ['2025-01-01T00:00:00.000Z', false],
])('a key that was first sent at %s is still its: %s', (at, isFresh) => { expect(isKeyFresh(at, '2026-03-01T12:00:00.000Z')).toBe(isFresh); });
