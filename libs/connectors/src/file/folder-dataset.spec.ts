import { describe, expect, it } from '@jest/globals';
import { folderDataset, partitionType, partitionsOf } from './folder-dataset-rules.ts';

describe('a dataset', () => {
  it.each([['events/', { folder: 'events', ending: null }], ['a/b//', { folder: 'a/b', ending: null }], ['a/**/*.CSV.gz', { folder: 'a', ending: '.csv.gz' }], ['**/*.parquet', { folder: '', ending: '.parquet' }],
    ['events.csv', null], ['/', null], ['a/*.csv', null], ['a/**/*.doc', null], ['a/**/b.csv', null], ['**/*', null]])('called %s is a folder, or not', (name, folder) => { expect(folderDataset(name)).toEqual(folder); });
});

describe('folders', () => {
  it.each<[string, string[], (string | null)[]]>([['a.csv', [], []], ['y=2024/m=01/a.csv', ['y', 'm'], ['2024', '01']], ['y=2024/plain/a=b.csv', ['y'], ['2024']], ['city=New%20York/a.csv', ['city'], ['New York']], ['x=100%/a.csv', ['x'], ['100%']],
    ['x=a=b/a.csv', ['x'], ['a=b']], ['x=/a.csv', ['x'], ['']], ['=x/a.csv', [], []], ['x=__HIVE_DEFAULT_PARTITION__/a.csv', ['x'], [null]]])('say of %s what they say', (name, keys, values) => { expect(partitionsOf(name)).toEqual({ keys, values }); });
  it.each<[(string | null)[], string]>([[['1', '-20', null], 'BIGINT'], [['01', '2'], 'VARCHAR'], [['2024-01-31'], 'DATE'], [['2024-13-01'], 'VARCHAR'], [['2024-01-31', '5'], 'VARCHAR'], [[null], 'VARCHAR'], [['9'.repeat(19)], 'VARCHAR'], [[''], 'VARCHAR']])(
    'give %j the type that keeps it', (values, type) => { expect(partitionType(values)).toBe(type); });
});
