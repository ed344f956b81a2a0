import { type ColumnMapping, EtlError, type Judging, type LoadTask, type RowCheck } from '@agent-etl/contracts';
import { type PrintedRow, identifier, joinSql, literal, printRow } from '@agent-etl/sql-safety';
import { fittingCell, tryAs } from './csv-cell-sql.ts';
import type { ScannedFile } from '../port.ts';
import { lengthLimit } from '../judged/fit-rules.ts';
import { type Duck, cast, listOf, literalText as text, nth, sql } from './duck-sql.ts';
import type { ReadPlan } from './file-options.ts';
import { FILE_NUMBER, hasNanoseconds, isNumbered, readRows } from './file-sql.ts';
import { type OtherFiles, selectRows } from './file-transform.ts';
import { duckTypeOf, isNested } from './file-types-rules.ts';

/** What a load reads of files, and how it judges. */
export interface JudgedFiles { readonly files: readonly ScannedFile[]; readonly plan: ReadPlan; readonly columns: readonly ColumnMapping[]; readonly judging?: Judging | undefined; readonly transform?: LoadTask['transform'];
  readonly others?: readonly OtherFiles[] | undefined }
const isJson = ({ format }: ReadPlan): boolean => format === 'ndjson' || format === 'json';
const cellAt = (index: number): Duck => sql`${identifier(`x${index}`)}`;
const valueAt = (index: number): Duck => sql`${identifier(`c${index}`)}`;

/** The rows of a load as c0, c1, …: all of them, or those that are not set aside. */
export const selectKept = ({ files, plan, columns, judging, transform, others }: JudgedFiles): Duck => (judging?.bad === 'aside'
  ? sql`SELECT ${listOf(columns.map((_, index) => valueAt(index)))} FROM (${selectJudged({ files, plan, columns, judging, transform })}) AS judged WHERE judged.judged IS NULL`
  : selectRows({ files, plan, others }, { columns: [...columns], ...(transform ? { transform } : {}) }));

/** Every row as `judged`, c0, c1, …: what is wrong with it and its number as a list of JSON, then on a line of its own the row as it was read; NULL where nothing is; and its values. A row inside JSON would take the engine many times its length. One statement reads, numbers, casts and judges; nothing is read twice.
 * Where bad rows end the load, a value that does not fit ends the statement as it does without checks. */
export function selectJudged({ files, plan, columns, judging, transform }: JudgedFiles & { readonly judging: Judging }): Duck {
  const isAside = judging.bad === 'aside';
  const hasRecord = isJson(plan);
  const known = plan.columns.map((_, index) => cellAt(index));
  const parts = (plan.partitions ?? []).map((_, index) => cellAt(plan.columns.length + index));
  const extras = hasRecord ? [sql`record`, sql`problem`] : [];
  const numbered = isNumbered(files, plan);
  const number = files.length > 1 ? sql`NULL` : numbered ? sql`${identifier(FILE_NUMBER)} + 1` : sql`row_number() OVER ()`;
  const read = sql`SELECT ${listOf([sql`${number} AS n`, ...plan.columns.map((_, index) => sql`${nth(index)} AS ${cellAt(index)}`),
    ...(plan.partitions ?? []).map((_, index) => sql`CAST(${identifier(`p${index}`)} AS VARCHAR) AS ${cellAt(plan.columns.length + index)}`), ...extras])} FROM ${readRows(files, plan, { mapped: transform ? inputOf(transform) : [...columns], as: isAside ? 'judged-aside' : 'judged', ...(numbered ? { numbered: 'by-the-file' as const } : {}) })}`;
  const carried = [sql`n`, ...known, ...parts, ...extras];
  const all = listOf([...carried, ...columns.map((_, index) => valueAt(index))]);
  const reasoned = transform ? throughSteps({ plan, columns, judging, transform, carried, all, read }) : sql`SELECT ${all}, ${reasonOf({ plan, columns, judging })} AS reason
    FROM (SELECT ${listOf([...carried, ...columns.map((mapping, index) => sql`${valueOf(plan, mapping, judging.bad)} AS ${valueAt(index)}`)])} FROM (${read}) AS cells) AS valued`;
  const raw = hasRecord ? sql`CAST(record AS VARCHAR)` : sql`CAST(json_object(${listOf([...known, ...parts].map((cell, index) => sql`${text([...plan.columns, ...(plan.partitions ?? [])][index]?.name ?? '')}, ${cell}`))}) AS VARCHAR)`;
  return sql`SELECT CASE WHEN reason IS NOT NULL THEN CAST(json_array(reason, n) AS VARCHAR) || chr(10) || coalesce(${raw}, 'null') END AS judged, ${listOf(columns.map((_, index) => valueAt(index)))}
    FROM (${comparingRows(judging.checks, columns, { all, reasoned })}) AS reasoned`;
}

const inputAt = (index: number): Duck => sql`${identifier(`v${index}`)}`;
const inputOf = ({ input }: NonNullable<LoadTask['transform']>): ColumnMapping[] => input.map(({ name, type, native, nullable }) => ({ source: name, target: name, type, sourceNative: native, targetNative: native, nullable }));
interface Stepped extends Judged { readonly transform: NonNullable<LoadTask['transform']>; readonly carried: readonly Duck[]; readonly all: Duck; readonly read: Duck }
/** The rows behind the steps, judged: a cell that is none of its type first, then a value that a step could not make, then the checks. A row that a filter leaves out is not judged. */
function throughSteps({ plan, columns, judging, transform, carried, all, read }: Stepped): Duck {
  const input = inputOf(transform);
  const row: PrintedRow<'duckdb'> | null = printRow('duckdb', transform, (name) => inputAt(input.findIndex(({ source }) => source === name)));
  if (!row) throw new EtlError('plan.stale');
  const misread = judging.bad === 'aside' ? [...(isJson(plan) ? [sql`WHEN problem IS NOT NULL THEN ${text('parse')}`] : []), ...input.map((mapping, index) => sql`WHEN ${cellOf(plan, mapping.source).cell} IS NOT NULL AND ${inputAt(index)} IS NULL THEN ${text(`type:${mapping.source}`)}`)] : [];
  const unmade = row.misfits.map(({ name, misfit }) => sql`WHEN ${misfit} THEN ${text(`type:${name}`)}`);
  const whens = [...misread, ...unmade];
  const typed = sql`SELECT ${listOf([...carried, ...input.map((mapping, index) => sql`${valueOf(plan, mapping, judging.bad)} AS ${inputAt(index)}`)])} FROM (${read}) AS cells`;
  const made = columns.map(({ source }, index) => sql`${row.columns.find(({ name }) => name === source)?.value ?? sql`NULL`} AS ${valueAt(index)}`);
  const stepped = sql`SELECT ${listOf([...carried, ...made, sql`${whens.length ? sql`CASE ${joinSql(whens, sql` `)} END` : sql`CAST(NULL AS VARCHAR)`} AS early`])} FROM (${typed}) AS typed${row.where ? sql` WHERE (${row.where})${misread.length ? sql` OR ${joinSql(misread.map((when) => sql`CASE ${when} END IS NOT NULL`), sql` OR `)}` : sql``}` : sql``}`;
  const misfits = judging.bad === 'aside' ? columns.flatMap((mapping, index) => misfitsBehind(mapping, index)) : [];
  const early = misfits.length ? sql`early, CASE ${joinSql(misfits, sql` `)} END` : sql`early`;
  return sql`SELECT ${all}, coalesce(${early}, ${checksOf({ columns, judging })}) AS reason FROM (${stepped}) AS valued`;
}
/** What the target would refuse of a value that steps have made: it keeps the type that they gave it until it is there. */
function misfitsBehind(mapping: ColumnMapping, index: number): Duck[] {
  const { target, targetNative, nullable } = mapping;
  const value = valueAt(index);
  const most = lengthLimit(mapping);
  const narrow = /^i\d\d$/.test(mapping.type.kind) ? NARROW[targetNative] : undefined;
  return [
    ...(most === null ? [] : [sql`WHEN length(CAST(${value} AS VARCHAR)) > ${literal('duckdb', most)} THEN ${text(`type:${target}`)}`]),
    ...(narrow === undefined ? [] : [sql`WHEN ${value} IS NOT NULL AND ${tryAs(value, narrow)} IS NULL THEN ${text(`type:${target}`)}`]),
    ...(nullable ? [] : [sql`WHEN ${value} IS NULL THEN ${text(`not_null:${target}`)}`])];
}
/** Whole numbers of PostgreSQL that are narrower than those of a file. */
const NARROW: Readonly<Record<string, string>> = { smallint: 'SMALLINT', integer: 'INTEGER' };

/** Where a column of the source stands among the cells, and its type in the file. */
function cellOf(plan: ReadPlan, name: string): { cell: Duck; duckType: string } {
  const list = [...plan.columns, ...(plan.partitions ?? [])];
  const at = list.findIndex((column) => column.name === name);
  return { cell: cellAt(at), duckType: at < plan.columns.length && plan.format === 'parquet' ? list[at]?.duckType ?? 'VARCHAR' : 'VARCHAR' };
}
/** A value as the type that travels, NULL where the cell has none. */
function valueOf(plan: ReadPlan, { source, type }: ColumnMapping, bad: Judging['bad']): Duck {
  const { cell, duckType } = cellOf(plan, source);
  if (plan.format !== 'parquet' || duckType === 'VARCHAR') return fittingCell(cell, { source, type }, bad === 'aside' ? 'null' : 'refused');
  if (isNested(duckType)) return sql`CAST(to_json(${cell}) AS VARCHAR)`;
  const wanted = type.kind === 'json' ? 'VARCHAR' : duckTypeOf(type);
  if (duckType === wanted) return cell;
  const value = tryAs(cell, wanted);
  return duckType === 'TIMESTAMP_NS' ? sql`CASE WHEN ${hasNanoseconds(cell)} THEN NULL ELSE ${value} END` : value;
}

interface Judged { readonly plan: ReadPlan; readonly columns: readonly ColumnMapping[]; readonly judging: Judging }
/** The first thing that is wrong with a row: it cannot be read, a value does not fit, a check breaks. */
function reasonOf({ plan, columns, judging }: Judged): Duck {
  const whens: Duck[] = [];
  const when = (condition: Duck, reason: string): void => { whens.push(sql`WHEN ${condition} THEN ${text(reason)}`); };
  if (judging.bad === 'aside') {
    if (isJson(plan)) when(sql`problem IS NOT NULL`, 'parse');
    columns.forEach((mapping, index) => {
      const { cell } = cellOf(plan, mapping.source);
      const most = lengthLimit(mapping);
      when(sql`${cell} IS NOT NULL AND ${valueAt(index)} IS NULL${most === null ? sql`` : sql` OR length(CAST(${valueAt(index)} AS VARCHAR)) > ${literal('duckdb', most)}`}`, `type:${mapping.target}`);
    });
    columns.forEach((mapping, index) => { if (!mapping.nullable) when(sql`${valueAt(index)} IS NULL`, `not_null:${mapping.target}`); });
  }
  return sql`coalesce(${whens.length ? sql`CASE ${joinSql(whens, sql` `)} END` : sql`CAST(NULL AS VARCHAR)`}, ${checksOf({ columns, judging })})`;
}
/** The first check that a row breaks, those aside that compare rows. */
function checksOf({ columns, judging }: Pick<Judged, 'columns' | 'judging'>): Duck {
  const whens = judging.checks.flatMap((check) => {
    const broken = breaks(check, columns);
    return broken && check.check !== 'unique' ? [sql`WHEN ${broken} THEN ${text(`${check.check}:${check.column}`)}`] : [];
  });
  return whens.length ? sql`CASE ${joinSql(whens, sql` `)} END` : sql`CAST(NULL AS VARCHAR)`;
}
/** Whether a row of c0, c1, … breaks a check that looks at one row; null for those that compare rows. */
export function breaks(check: RowCheck, columns: readonly ColumnMapping[]): Duck | null {
  if (check.check === 'unique') return null;
  const index = columns.findIndex(({ target }) => target === check.column);
  const { type } = columns[index]!;
  const duckType = type.kind === 'dec' && duckTypeOf(type) === 'VARCHAR' ? 'DOUBLE' : duckTypeOf(type);
  const value = duckType === 'DOUBLE' ? cast(valueAt(index), duckType) : valueAt(index);
  const as = (wanted: string): Duck => (duckType === 'VARCHAR' ? text(wanted) : cast(text(wanted), duckType));
  switch (check.check) {
    case 'not_null': return sql`${valueAt(index)} IS NULL`;
    case 'in': return sql`${value} NOT IN (${listOf(check.values.map(as))})`;
    case 'range': return joinSql([...(check.from === undefined ? [] : [sql`${value} < ${as(check.from)}`]), ...(check.to === undefined ? [] : [sql`${value} > ${as(check.to)}`])], sql` OR `);
  }
}
/** Twins among the rows that pass all else: the first stays. */
function comparingRows(checks: readonly RowCheck[], columns: readonly ColumnMapping[], { all, reasoned }: { all: Duck; reasoned: Duck }): Duck {
  let rows = reasoned;
  for (const check of checks) {
    if (check.check !== 'unique') continue;
    const key = check.columns.map((name) => valueAt(columns.findIndex(({ target }) => target === name)));
    const isWhole = joinSql(key.map((value) => sql`${value} IS NOT NULL`), sql` AND `);
    const nth = sql`SELECT ${all}, reason, row_number() OVER (PARTITION BY ${listOf([...key, sql`reason IS NULL`])} ORDER BY n) AS twin FROM (${rows}) AS reasoned`;
    rows = sql`SELECT ${all}, CASE WHEN reason IS NULL AND twin > 1 AND ${isWhole} THEN ${text(`unique:${check.columns.join(',')}`)} ELSE reason END AS reason FROM (${nth}) AS twins`;
  }
  return rows;
}
