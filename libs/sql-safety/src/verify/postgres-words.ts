/** What a statement may be made of: kinds of nodes of PostgreSQL's parse tree, functions, and types that it casts to. */
export interface Words { readonly nodes: ReadonlySet<string>; readonly functions: ReadonlySet<string>; readonly types: ReadonlySet<string> }
const nodes: ReadonlySet<string> = new Set([
  'A_Const', 'A_Expr', 'A_Indices', 'A_Indirection', 'Alias', 'BoolExpr', 'CaseExpr', 'CaseWhen', 'CoalesceExpr', 'CollateClause', 'ColumnRef', 'CommonTableExpr', 'FuncCall', 'GroupingFunc', 'GroupingSet', 'Integer', 'JoinExpr', 'List', 'MinMaxExpr', 'NullTest',
  'RangeSubselect', 'RangeVar', 'ResTarget', 'RowExpr', 'SelectStmt', 'SortBy', 'String', 'SubLink', 'TypeCast',
]);
const functions: ReadonlySet<string> = new Set([
  'abs', 'array_agg', 'avg', 'bool_and', 'bool_or', 'btrim', 'ceil', 'char_length', 'concat_ws', 'convert_to', 'corr', 'count', 'covar_pop', 'covar_samp', 'cume_dist', 'date_part', 'date_trunc', 'dense_rank', 'encode', 'exp', 'extract', 'first_value', 'floor', 'lag', 'last_value', 'lead', 'left', 'like_escape',
  'ln', 'log10', 'lpad', 'ltrim', 'make_date', 'make_interval', 'max', 'md5', 'min', 'nth_value', 'ntile', 'percent_rank', 'percentile_cont', 'percentile_disc', 'power', 'rank', 'replace', 'right', 'round', 'row_number', 'rpad', 'rtrim', 'sha256', 'sign', 'split_part', 'sqrt', 'starts_with',
  'stddev_pop', 'stddev_samp', 'string_agg', 'strpos', 'substr', 'sum', 'translate', 'trunc', 'var_pop', 'var_samp',
]);
const types: ReadonlySet<string> = new Set(['bool', 'date', 'float4', 'float8', 'int2', 'int4', 'int8', 'interval', 'numeric', 'text', 'timestamp', 'timestamptz', 'uuid']);
/** Of queries of people. */
export const queryWords: Words = { nodes, functions, types };
/** Of steps, which also open documents, read the keys of masks, and take each dataset whole before they name its columns. */
export const stepWords: Words = {
  nodes: new Set([...nodes, 'A_Star', 'RangeFunction']), types: new Set([...types, 'json', 'jsonb', 'bytea', 'time', 'bpchar']),
  functions: new Set([...functions, 'current_setting', 'decode', 'json_array_elements', 'json_typeof']),
};
