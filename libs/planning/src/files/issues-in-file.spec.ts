import { describe, expect, it } from '@jest/globals';
import { issuesInFile } from './issues-in-file.ts';

const text = `name: orders
from: { connection: shop, dataset: public.orders }
steps:
  - filter: stauts <> 'test'
  - query:
      sql: |
        select status,

          totl
        from input
      dialect: postgres
  - derive: { x: "amuont * 2" }
  - query: { sql: 'it''s' }
`;
const at = (path: string, offset?: number): string => issuesInFile([{ code: 'SQL_COLUMN', path, text: 'No.', ...(offset === undefined ? {} : { offset }) }], { text, file: 'a.yaml' })[0]!.path;

describe('an issue of a pipeline', () => {
  it.each<[string, string, number | undefined, string]>([
    ['a step', '/pipeline/steps/0/filter', undefined, 'a.yaml:4:13'], ['a character of a plain text', '/pipeline/steps/0/filter', 10, 'a.yaml:4:23'], ['a character of a block, behind an empty line', '/pipeline/steps/1/query/sql', 'select status,\n\n  totl'.length - 4, 'a.yaml:9:11'],
    ['the first character of a block', '/pipeline/steps/1/query/sql', 0, 'a.yaml:7:9'], ['a character of a quoted text', '/pipeline/steps/2/derive/x', 9, 'a.yaml:12:28'], ['a text with an escape, as a whole', '/pipeline/steps/3/query/sql', 4, 'a.yaml:13:19'],
    ['what the file does not have', '/pipeline/steps/9/filter', 3, '/pipeline/steps/9/filter'], ['something else', '/tasks/load', undefined, '/tasks/load'],
  ])('is told where it stands in the file: %s', (_, path, offset, place) => { expect(at(path, offset)).toBe(place); });
});
