import { describe, expect, it } from '@jest/globals';
import { asFolder } from './connections-add.ts';

describe('the root of a file connection', () => {
  it.each([['data', './data'], ['.cache/services', './.cache/services'], ['./data', './data'], ['../data', '../data'], ['..', '..'], ['.', '.'], ['/srv/data', '/srv/data'], ['~/data', '~/data']])(
    'reads %s as the folder %s', (given, folder) => { expect(asFolder(given)).toBe(folder); });
});
