/** Nodes of PostgreSQL's parse tree that printed queries are made of. */
export const POSTGRES_NODES: ReadonlySet<string> = new Set([
  'A_Const', 'A_Expr', 'A_Indices', 'A_Indirection', 'Alias', 'BoolExpr', 'CaseExpr', 'CaseWhen', 'CoalesceExpr', 'CollateClause', 'ColumnRef', 'CommonTableExpr', 'FuncCall', 'GroupingFunc', 'GroupingSet', 'Integer', 'JoinExpr', 'List', 'MinMaxExpr', 'NullTest',
  'RangeSubselect', 'RangeVar', 'ResTarget', 'RowExpr', 'SelectStmt', 'SortBy', 'String', 'SubLink', 'TypeCast',
]);
/** Functions that they call. */
export const POSTGRES_FUNCTIONS: ReadonlySet<string> = new Set([
  'abs', 'array_agg', 'avg', 'bool_and', 'bool_or', 'btrim', 'ceil', 'char_length', 'concat_ws', 'convert_to', 'corr', 'count', 'covar_pop', 'covar_samp', 'cume_dist', 'date_part', 'date_trunc', 'dense_rank', 'encode', 'exp', 'extract', 'first_value', 'floor', 'lag', 'last_value', 'lead', 'left', 'like_escape',
  'ln', 'log10', 'lpad', 'ltrim', 'make_date', 'make_interval', 'max', 'md5', 'min', 'nth_value', 'ntile', 'percent_rank', 'percentile_cont', 'percentile_disc', 'power', 'rank', 'replace', 'right', 'round', 'row_number', 'rpad', 'rtrim', 'sha256', 'sign', 'split_part', 'sqrt', 'starts_with',
  'stddev_pop', 'stddev_samp', 'string_agg', 'strpos', 'substr', 'sum', 'translate', 'trunc', 'var_pop', 'var_samp',
]);
/** Types that they cast to. */
export const POSTGRES_TYPES: ReadonlySet<string> = new Set(['bool', 'date', 'float4', 'float8', 'int2', 'int4', 'int8', 'interval', 'numeric', 'text', 'timestamp', 'timestamptz', 'uuid']);
