import { type AsideLimit, EtlError, type LoadTask, type Measured, type Measuring, type Quality, type RowCheck, allowedRows, scoreOf } from '@agent-etl/contracts';

const named = (check: RowCheck): string => `${check.check}:${check.check === 'unique' ? check.columns.join(',') : check.column}`;
const said = (limit: AsideLimit): string => (limit.of === 'rows' ? `${limit.rows} ${limit.rows === 1 ? 'row' : 'rows'}` : `${limit.percent} % of the rows`);

/** What was counted, with its score.
 * @throws EtlError `data.quality-too-low` where a check breaks more often, or the score is lower, than the plan allows; nothing was published then */
export function qualityOf(measured: Measured, { checks, atLeast }: Measuring, { columns }: Pick<LoadTask, 'columns'>): Quality {
  const score = scoreOf(measured, checks.map(({ check }) => check.check));
  const quality: Quality = {
    ...score, rows: measured.rows, nulls: columns.flatMap(({ target }, index) => (measured.nulls[index] ? [{ column: target, nulls: measured.nulls[index] }] : [])),
    checks: checks.map(({ check, severity }, index) => ({ check: named(check), severity, rows: measured.broken[index] ?? 0 })),
  };
  checks.forEach(({ check, atMost }, index) => {
    const rows = measured.broken[index] ?? 0;
    if (atMost && rows > allowedRows(atMost, measured.rows)) throw new EtlError('data.quality-too-low', { what: named(check), found: `${rows} of ${measured.rows} rows break it`, limit: said(atMost) });
  });
  if (atLeast !== null && score.score < atLeast) throw new EtlError('data.quality-too-low', { what: 'the quality score', found: String(score.score), limit: `at least ${atLeast}` });
  return quality;
}
