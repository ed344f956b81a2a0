import { describe, expect, it } from '@jest/globals';
import { partitionsOf } from './folder-dataset-rules.ts';
import { partitionFolder, valuesOfKey } from './partition-names-rules.ts';

describe('the folder of a partition', () => {
  it.each<[string | null, string]>([['2024', 'k=2024'], ['New York', 'k=New York'], ['a/b', 'k=a%2Fb'], ['50%', 'k=50%25'], ['a=b', 'k=a%3Db'], ['10:30', 'k=10%3A30'], ['', 'k='], ['..', 'k=..'], ['\n\u007f', 'k=%0A%7F'], ['ä', 'k=ä'],
    ['{[^]}', 'k=%7B%5B%5E%5D}'], [null, 'k=__HIVE_DEFAULT_PARTITION__'], ['__HIVE_DEFAULT_PARTITION__', 'k=%5F_HIVE_DEFAULT_PARTITION__']])('of %j is %s, and says the same again', (value, folder) => {
    expect(partitionFolder(['k'], [value])).toBe(folder);
    expect(partitionsOf(`${folder}/part-0.csv`)).toEqual({ keys: ['k'], values: [value] });
  });
  it('has the names of its columns spelled the same way', () => {
    expect(partitionFolder(['a=b', 'c/d'], ['1', '2'])).toBe('a%3Db=1/c%2Fd=2');
    expect(partitionsOf('a%3Db=1/c%2Fd=2/x.csv')).toEqual({ keys: ['a=b', 'c/d'], values: ['1', '2'] });
  });
  it('comes from a key that tells no value from an empty one', () => { expect(valuesOfKey(`.v.v${Buffer.from('ä/?ß').toString('base64')}`)).toEqual([null, '', 'ä/?ß']); });
});
