import { expect, it } from '@jest/globals';
import { MOST_DROPPED, endedStates, restMs } from './retention-rules.ts';

it('drops rows in states that nothing follows, and no others', () => { expect([...endedStates].sort()).toEqual(['cancelled', 'failed', 'lost', 'succeeded']); });
it.each([[0, 3_600_000], [MOST_DROPPED - 1, 3_600_000], [MOST_DROPPED, 0]])('after %i dropped tasks rests for %i ms', (dropped, ms) => { expect(restMs(dropped)).toBe(ms); });
