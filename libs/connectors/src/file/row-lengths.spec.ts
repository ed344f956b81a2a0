import { describe, expect, it } from '@jest/globals';
import { RowLengths, isLastRowWithin } from './row-lengths-rules.ts';

/** The first row over ten bytes, however the text is cut. */
function found(text: string, delimiter: string | null = ','): number | null {
  const bytes = Buffer.from(text);
  const answers = new Set<number | null>();
  for (let size = 1; size <= bytes.length; size += 1) {
    const rows = new RowLengths({ delimiter, limit: 10 });
    for (let from = 0; from < bytes.length; from += size) rows.add(bytes.subarray(from, from + size));
    answers.add(rows.firstTooLong);
  }
  expect(answers.size).toBe(1);
  return [...answers][0]!;
}

describe('lengths of rows', () => {
  it.each([
    ['ten bytes', '1,2\n123456,890\n', null], ['eleven', '1,2\n123456,8901\n3,4\n', 2], ['the last, without its end', '1,2\n123456,8901', 2],
    ['a cell of lines', '1,2\n1,"a\nb\nc\nd"\n', 2], ['after a space', '1, "a\nb\nc\nd"', 1], ['doubled quotes', '1,"a""\n""b\n"\n', 1],
    ['inches', '1,5" a\n2,6" b\n3,7" c\n4,"d"\n', null], ['inches at the end of a cell', '1,5"\n2,6"\n3,7"\n', null], ['quotes that close', '1,"a"\n2,"b"\n"c",3\n"",4\n', null], ['text behind a quote', '1,"a"x\n2,b\n3,c\n', null],
    ['CR alone', '1,2\r3,4\r5,6\r7,8\r', null], ['CR alone, too long', '1,2\r123456,8901\r', 2], ['CR LF', '1,2\r\n"3",4\r\n123456,8901\r\n', 3], ['a quote that is not closed', '1,2\n3,"4\n5,6\n7,8\n', 2],
  ])('%s', (_, text, row) => { expect(found(text)).toBe(row); });
  it('of lines know no quotes', () => {
    expect([found('{"a":"\n}"}\n', null), found('{"a":1}\n{"a":"123"}\n', null)]).toEqual([null, 2]);
  });
  it.each([
    ['no quotes', 'x,y\n1,2\n', true], ['no line end', 'x,y', false], ['only the one behind the row', 'x,y\n\n', false], ['a row after a cell of lines', 'x\n1,"b\nc"\n2,d\n', true],
    ['an inch', 'x\n9,5" pipe\n', true], ['inches in all rows', 'x\n8,4"\n9,5"\n', true], ['cells in quotes', 'x\n"1","2"\n', true],
    ['the end of a long cell', 'x\ny\nz"\n', false], ['the end of one, and an inch', 'x\ny\nz",5" pipe\n', false],
  ])('the last row within the last bytes: %s', (_, tail, is) => { expect(isLastRowWithin(Buffer.from(tail), ',')).toBe(is); });
});
