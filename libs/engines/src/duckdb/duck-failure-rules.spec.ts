import { describe, expect, it } from '@jest/globals';
import { toFailure } from '@agent-etl/contracts';
import { duckFailure } from './duck-failure-rules.ts';

const csv = (what: string) => `Invalid Input Error: CSV Error on Line: 3\nOriginal Line: secret,4,5\n${what}\nPossible fixes:\n* x\n\n  file = /srv/data/orders.csv\n`;

describe('what DuckDB says', () => {
  it.each([
    [csv('Expected Number of Columns: 2 Found: 3'), 'data.format-invalid', 'orders.csv: not valid csv at line 3: 2 columns expected, 3 found.'],
    [csv('Invalid unicode (byte sequence mismatch) detected. This file is not utf-8 encoded.'), 'data.format-invalid', 'orders.csv: not valid csv at line 3: it is not UTF-8.'],
    [csv('Value with unterminated quote found.'), 'data.format-invalid', 'orders.csv: not valid csv at line 3: a quote is not closed, or text follows it.'],
    [csv('Maximum line size of 16777216 bytes exceeded.'), 'data.row-too-large', 'Row 3 is longer than a line may be; the limit is 16 MB.'],
    ['Invalid Input Error: NUL in column "note"', 'data.format-invalid', 'orders.csv: not valid text at column note: a cell holds NUL.'],
    ["Invalid Input Error: No magic bytes found at end of file '/srv/x'", 'data.format-invalid', 'orders.csv: not valid parquet at its metadata or pages: the content cannot be decoded.'],
    ['Invalid Input Error: Malformed JSON in file "/srv/x", at byte 8 in line 4: unexpected end of data. Try auto-detecting the JSON format', 'data.format-invalid', 'orders.csv: not valid json at row 3: unexpected end of data.'],
    ['Invalid Input Error: Malformed JSON in file "/srv/x", at byte 8 in record/value 2: unexpected character. ', 'data.format-invalid', 'orders.csv: not valid json at row 1: unexpected character.'],
    ['Invalid Input Error: JSON record refused: duplicate key', 'data.format-invalid', 'orders.csv: not valid json at a row: a key stands there twice.'],
    ['Invalid Input Error: "maximum_object_size" of 33554432 bytes exceeded while reading file "/srv/x"', 'data.row-too-large', 'Row of a file of objects is longer than an object may be; the limit is 32 MB.'],
    ['IO Error: Input is not a GZIP stream: /srv/x', 'data.format-invalid', 'orders.csv: not valid gzip at the compressed stream: it cannot be unpacked.'],
    ['IO Error: Could not write all bytes to file "/srv/x": No space left on device', 'platform.disk-full', 'No space left for orders.csv.'],
    ['Out of Memory Error: failed to offload data block of size 256.0 KiB', 'platform.disk-full', 'No space left for orders.csv.'],
    ['Out of Memory Error: could not allocate block of size 256.0 KiB', 'query.memory-exceeded', 'The query needed more than its memory.'],
    ['Permission Error: Cannot access file "/etc/passwd"', 'file.forbidden', 'orders.csv cannot be used: it lies outside what this attempt may touch.'],
    ...['Out of Range Error: Overflow in negation of numeric value!', 'Out of Range Error: Overflow on abs(-2147483648)', 'Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!', 'Out of Range Error: Date out of range', 'Conversion Error: Date out of range: 99999999-1-1',
      'Out of Range Error: Interval value 9223372036854775808.000000 seconds out of range', 'Conversion Error: Casting value "99999.50" to type DECIMAL(4,2) failed: value is out of range!'].map((message) => [message, 'data.value-out-of-range', 'A value does not fit the column it goes to: column unknown, target unknown.']),
    ['Catalog Error: something new', 'platform.internal', 'Unexpected; quote trace none.'],
  ])('becomes a row of the error table without its values and paths: %s', (message, code, text) => {
    const failure = toFailure(duckFailure(message, 'orders.csv'));
    expect(failure).toMatchObject({ code, text });
    expect(JSON.stringify(failure)).not.toMatch(/\/srv|secret|passwd/);
  });

  it('tells a packed text from Parquet', () => {
    const corrupt = 'IO Error: Data corruption detected';
    expect([duckFailure(corrupt, 'a.csv.zst'), duckFailure(corrupt, 'a.parquet')].map(({ details }) => details['format'])).toEqual(['zstd', 'parquet']);
  });

  it.each([
    [csv('Error when converting column "n". Could not convert string "zz" to \'INTEGER\'').replace('Invalid Input', 'Conversion'), { row: 3, column: 'n', value: 'zz', target: 'INTEGER' }],
    ['Invalid Input Error: Error when converting column "n". Could not convert string "1.5" to \'DECIMAL(10,2)\'', { row: null, column: 'n', value: '1.5', target: 'DECIMAL(10,2)' }],
    ['Conversion Error: Malformed JSON at byte 12 of input: no low surrogate in string.  Input: "{"a":"\\ud800"}" when casting from source column c1\n\nLINE 1: x', { row: null, column: 'c1', value: '{"a":"\\ud800"}', target: 'JSON' }],
    ['Conversion Error: Failed to cast decimal value 1000000000000000000000000000000000000 to type INT64 when casting from source column d\n\nLINE 1: x', { row: null, column: 'd', value: '1000000000000000000000000000000000000', target: 'INT64' }],
    ['Conversion Error: Could not cast value 170141183460469231731687303715884105727 to DECIMAL(38,0) when casting from source column h', { row: null, column: 'h', value: '170141183460469231731687303715884105727', target: 'DECIMAL(38,0)' }],
    ["Conversion Error: Could not convert string '99' to INT8", { row: null, column: 'unknown', value: '99', target: 'INT8' }],
    [`Invalid Input Error: Error when converting column "n". Could not convert string "${'x'.repeat(500)}" to 'DATE'`, { row: null, column: 'n', value: 'x'.repeat(200), target: 'DATE' }],
  ])('names the cell that does not fit', (message, cell) => {
    const error = duckFailure(message, 'orders.csv');
    expect(error).toMatchObject({ code: 'data.value-out-of-range', cell });
    expect(error.message).not.toContain(cell.value);
  });
});
