import type { ColumnType } from '@agent-etl/contracts';
import { identifier } from '@agent-etl/sql-safety';
import { type Duck, literalText as text, sql } from './duck-sql.ts';
import type { JsonLayout } from './file-options.ts';
import { floatText } from './float-sql.ts';
import { wholeNested } from './json-raw-rules.ts';

const quoted = (value: Duck): Duck => sql`CAST(to_json(CAST(${value} AS VARCHAR)) AS VARCHAR)`;
/** What JSON takes for a number. */
const NUMBER = '-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?';

/** A value as JSON text that is read back to the same value, NULL where there is none. JSON has no NaN and no infinity: they are texts.
 * JSON that is an object or an array stands there as it is, on one line; any other, null among it, as a text that holds it, or nobody could tell it from a value. */
function valueText(cell: Duck, { kind }: ColumnType): Duck {
  switch (kind) {
    case 'bool': return sql`CASE WHEN ${cell} THEN 'true' WHEN NOT ${cell} THEN 'false' END`;
    case 'i16': case 'i32': case 'i64': return sql`CAST(${cell} AS VARCHAR)`;
    case 'dec': return decimalText(sql`regexp_replace(CAST(${cell} AS VARCHAR), '^(-?)[.]', '\\10.')`);
    case 'f32': case 'f64': return sql`CASE WHEN isnan(${cell}) THEN '"NaN"' WHEN isinf(${cell}) THEN CASE WHEN ${cell} > 0 THEN '"Infinity"' ELSE '"-Infinity"' END ELSE ${floatText(cell, kind)} END`;
    case 'date': case 'time': case 'ts': case 'tstz': case 'uuid': return sql`'"' || CAST(${cell} AS VARCHAR) || '"'`;
    case 'bytes': return sql`'"\\\\x' || lower(hex(${cell})) || '"'`;
    case 'json': return sql`CASE WHEN regexp_full_match(${cell}, ${text(wholeNested)}) AND NOT regexp_matches(${cell}, '[\\n\\r]') THEN CAST(${cell} AS VARCHAR) ELSE ${quoted(cell)} END`;
    case 'text': case 'other': return quoted(cell);
  }
}
const decimalText = (digits: Duck): Duck => sql`CASE WHEN regexp_full_match(${digits}, ${text(NUMBER)}) THEN ${digits} ELSE ${quoted(digits)} END`;

/** The travelling columns c0, c1, … as the text of one object. */
function objectText(columns: readonly { readonly target: string; readonly type: ColumnType }[]): Duck {
  let line = text('{');
  columns.forEach(({ target, type }, index) => {
    line = sql`${line} || ${text(`${index ? ',' : ''}${JSON.stringify(target)}:`)} || coalesce(${valueText(sql`${identifier(`c${index}`)}`, type)}, 'null')`;
  });
  return sql`${line} || '}'`;
}

/** COPY of the travelling columns as objects, one per line, with brackets around them and commas between where the file is an array.
 * The lines are made here and written as they are: DuckDB's own JSON writer turns decimals into doubles. */
export function copyJson(from: Duck, columns: readonly { readonly target: string; readonly type: ColumnType }[], to: JsonLayout & { readonly path: string }): Duck {
  const around = to.format === 'json' ? sql`, PREFIX ${text('[\n')}, SUFFIX ${text('\n]\n')}, NEW_LINE ${text(',\n')}` : sql``;
  return sql`COPY (SELECT ${objectText(columns)} AS line FROM (${from}) AS rows) TO ${text(to.path)} (FORMAT csv, HEADER false, QUOTE '', DELIMITER ${text('\x01')},
    COMPRESSION ${text(to.compression)}, USE_TMP_FILE false${around})`;
}
