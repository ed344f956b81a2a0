import { describe, expect, it } from '@jest/globals';
import { folderFor } from './folder-rules.ts';

describe('folderFor', () => {
  const folders = { scheduler: '/airflow/dags', preview: '/preview', root: '/project/' };
  it.each([
    ['workers, whatever the policy names', 'workers', './dags', folders, '/preview'],
    ['airflow, as configured', 'airflow', undefined, folders, '/airflow/dags'],
    ['airflow, as the policy of the project says', 'airflow', './dags', folders, '/project/dags'],
    ['airflow, with a folder anywhere on this machine', 'airflow', '/srv/dags', folders, '/srv/dags'],
    ['airflow, where the policy may name nothing', 'airflow', '/srv/dags', { ...folders, root: null }, '/airflow/dags'],
    ['airflow, without a scheduler', 'airflow', undefined, { ...folders, scheduler: null }, '/preview'],
    ['no folder at all', 'airflow', undefined, { scheduler: null, preview: null, root: null }, null],
  ] as const)('for %s', (_, driver, named, given, folder) => { expect(folderFor(driver, named, given)).toBe(folder); });
});
