import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { failures, openTally, total } from './tally.mjs';

describe('a tally', () => {
  const given = process.env['ETL_TEST_REPORT'];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-'));
    process.env['ETL_TEST_REPORT'] = join(folder, 'deep', 'report.jsonl');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    if (given === undefined) delete process.env['ETL_TEST_REPORT'];
    else process.env['ETL_TEST_REPORT'] = given;
  });
  const reported = { passed: 3, failed: 0, skipped: 0 };

  it.each([
    ['that is red and reported nothing', 1, null, { passed: 0, failed: 1, skipped: 0 }],
    ['that is red and reported no failure', 1, reported, { passed: 3, failed: 1, skipped: 0 }],
    ['that is red and reported why', 1, { ...reported, failed: 2 }, { passed: 3, failed: 2, skipped: 0 }],
    ['that is green', 0, reported, reported],
    ['that could not run', 75, null, { passed: 0, failed: 0, skipped: 0 }],
  ])('counts a step %s', (_, status, report, sum) => {
    const tally = openTally('any');
    const step = (): number => { if (report) appendFileSync(tally.file, `${JSON.stringify(report)}\n`); return status; };
    expect([tally.watch('unit', step), total(tally.file)]).toEqual([status, sum]);
  });
  it('does not take an earlier failure for that of a step', () => {
    const tally = openTally('any');
    tally.add(0, 1);
    tally.watch('unit', () => 1);
    expect(total(tally.file).failed).toBe(2);
    expect(failures(tally.file)).toEqual(['unit ended with 1 and no suite reported why']);
  });
});
