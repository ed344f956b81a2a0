import { describe, expect, it } from '@jest/globals';
import { isForMemory, kernelKills } from './kernel-kills.ts';

describe('whether the kernel killed for memory', () => {
  it('takes SIGKILL that is not ours while the counter rose', () => {
    expect(isForMemory({ signal: 'SIGKILL', isOurs: false, before: 4, after: 5 })).toBe(true);
  });
  it.each([
    ['another signal', { signal: 'SIGSEGV', isOurs: false, before: 4, after: 5 }], ['an exit', { signal: null, isOurs: false, before: 4, after: 5 }], ['our own signal', { signal: 'SIGKILL', isOurs: true, before: 4, after: 5 }],
    ['no rise', { signal: 'SIGKILL', isOurs: false, before: 5, after: 5 }], ['a kernel that does not count', { signal: 'SIGKILL', isOurs: false, before: null, after: null }],
  ])('does not take %s', (_, end) => { expect(isForMemory(end)).toBe(false); });
  it('reads the counter of this machine', () => {
    const kills = kernelKills();
    expect(kills === null || Number.isInteger(kills)).toBe(true);
  });
});
